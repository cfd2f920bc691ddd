//! Upstreams as inventories: what of theirs an instance shows, under which names, and who answers requests for it.

mod connecting;
pub(super) mod finished;
mod origin;
mod prompts;
mod resources;
mod rounds;
mod tools;

use super::{Inventories, Offer};
use crate::{
    engine::Engine,
    relay::Origin,
    tool::{StoredTool, ToolCompiler},
    upstream::{self, Features, Hub},
};
use mcp_common::{
    authenticator::{CommonLimits, LimitScope},
    catalog::InstanceEntry,
    definition::{
        InstanceDefinition,
        instance::{Include, RemotePattern},
    },
};
use origin::{RemoteOrigin, What};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// What upstreams offer.
pub struct UpstreamInventories {
    /// The upstreams.
    pub hub: Arc<Hub>,
    /// What shapes their tools' answers, where documents say how.
    pub engine: Engine,
    /// The compiler of the catalog, which has checked those documents.
    pub compiler: ToolCompiler,
}

impl Inventories for UpstreamInventories {
    fn offer(&self, instance: &InstanceEntry<StoredTool>) -> Offer {
        let definition = &instance.definition;
        if !definition.has_upstreams() {
            return Offer::default();
        }
        let hub = &self.hub;
        let sources = sources(definition, hub);
        let chosen = tools::chosen(definition, hub);
        let apps = resources::of_apps(&chosen, definition, self);
        let has = |what: fn(&Features) -> bool| {
            let inventories = sources
                .iter()
                .filter_map(|source| source.offer.inventory.as_ref());
            let mut features = inventories.map(|inventory| &inventory.features);
            features.any(what)
        };
        let logs = |upstream: &Arc<str>| {
            let inventory = hub.offer(upstream).and_then(|offer| offer.inventory);
            inventory.is_some_and(|inventory| inventory.features.logging)
        };
        let resources = resources::offered(definition, self, &sources, apps);
        let prompts = prompts::offered(definition, self, &sources);
        Offer {
            completes: (resources.is_some() || prompts.is_some()) && has(|features| features.completions),
            logs: has(|features| features.logging)
                || chosen.iter().any(|chosen| logs(&chosen.offered.upstream)),
            tasks: self.tasks(&chosen),
            tools: chosen
                .into_iter()
                .map(|chosen| chosen.item(definition, self))
                .collect(),
            resources,
            prompts,
        }
    }

    fn epoch(&self, instance: &InstanceEntry<StoredTool>) -> u64 {
        match instance.definition.has_upstreams() {
            true => self.hub.epoch(),
            false => 0,
        }
    }
}

impl UpstreamInventories {
    /// What answers for tasks: calls of tools turn into them.
    fn tasks(&self, chosen: &[tools::Chosen]) -> BTreeMap<Arc<str>, Arc<dyn Origin>> {
        let owners = chosen.iter().map(|chosen| &chosen.offered);
        let stand_ins = chosen.iter().flat_map(|chosen| &chosen.stand_ins);
        let upstreams: BTreeSet<&Arc<str>> =
            owners.chain(stand_ins).map(|offered| &offered.upstream).collect();
        let has_tasks = |upstream: &Arc<str>| {
            let inventory = self.hub.offer(upstream).and_then(|offer| offer.inventory);
            inventory.is_some_and(|inventory| inventory.features.tasks)
        };
        let with_tasks = upstreams.into_iter().filter(|upstream| has_tasks(upstream));
        with_tasks
            .map(|upstream| (upstream.clone(), self.origin(upstream, What::Tasks)))
            .collect()
    }

    fn limits(&self, upstream: &str) -> Option<Arc<CommonLimits>> {
        let limits = self.hub.offer(upstream)?.definition.limits.of_calls();
        CommonLimits::of(LimitScope::Upstream, upstream, limits)
    }

    /// What answers for something of an upstream.
    fn origin(&self, upstream: &Arc<str>, what: What) -> Arc<dyn Origin> {
        Arc::new(RemoteOrigin {
            limits: self.limits(upstream),
            hub: self.hub.clone(),
            upstream: upstream.clone(),
            what,
            engine: self.engine.clone(),
        })
    }
}

/// An upstream whose resources and prompts an instance shows, all of them or some.
struct Source {
    offer: upstream::Offer,
    /// `include.upstreams` has it.
    is_whole: bool,
}

/// The upstreams of which everything is shown, in no order, some of them more than once.
fn whole(include: &Include, hub: &Hub) -> Vec<upstream::Offer> {
    if !include.finds_upstreams() {
        return include.upstreams.iter().filter_map(|id| hub.offer(id)).collect();
    }
    let ids = hub.ids();
    let offers = ids.iter().filter_map(|id| hub.offer(id));
    offers.filter(|offer| include.takes(&offer.definition)).collect()
}

/// In the order in which they keep names.
fn sources(definition: &InstanceDefinition, hub: &Hub) -> Vec<Source> {
    let Some(include) = &definition.include else {
        return Vec::new();
    };
    let whole = whole(include, hub).into_iter();
    let patterns = include.resources.iter().chain(&include.prompts);
    let some = patterns.filter_map(RemotePattern::upstream);
    let all = whole.chain(some.filter_map(|id| hub.offer(id)));
    let mut sources: Vec<_> = all
        .map(|offer| Source {
            is_whole: include.takes(&offer.definition),
            offer,
        })
        .collect();
    let place = |source: &Source| {
        let definition = &source.offer.definition;
        (definition.priority, definition.id.clone())
    };
    sources.sort_by_key(place);
    sources.dedup_by_key(|source| source.offer.definition.id.clone());
    sources
}

impl Source {
    fn id(&self) -> &Arc<str> {
        &self.offer.definition.id
    }

    fn features(&self) -> Option<&Features> {
        Some(&self.offer.inventory.as_ref()?.features)
    }

    /// Whether any of these patterns is about this upstream, or all of it is shown.
    fn is_among(&self, patterns: &[RemotePattern]) -> bool {
        self.is_whole
            || patterns
                .iter()
                .any(|pattern| pattern.upstream() == Some(self.id()))
    }

    /// Whether this thing of it is meant, or all of it is shown.
    fn shows(&self, patterns: &[RemotePattern], key: &str) -> bool {
        self.is_whole || patterns.iter().any(|pattern| pattern.matches(self.id(), key))
    }
}
