//! The resources of upstreams that an instance shows. Their URIs mean something to clients, so they stay as they are; where two
//! upstreams have the same one, it is the first one's.

use super::{Source, UpstreamInventories, origin::What, tools::Chosen};
use crate::{
    json::members::Members,
    relay::Origin,
    upstream::{self, Listed},
    view::{Item, Resources},
};
use mcp_common::definition::{InstanceDefinition, instance::RemotePattern};
use std::{collections::HashMap, sync::Arc};

/// The pages of tools that have one (`ui://`), with what answers for them.
pub(super) type Apps = HashMap<String, Arc<dyn Origin>>;

/// `None` where no upstream of the instance has resources.
pub(super) fn offered(
    definition: &InstanceDefinition,
    of: &UpstreamInventories,
    sources: &[Source],
    apps: Apps,
) -> Option<Resources> {
    let included = definition
        .include
        .as_ref()
        .map_or(&[][..], |include| &include.resources);
    let have_resources = |source: &&Source| {
        source.is_among(included)
            && source
                .features()
                .is_some_and(|features| features.resources.is_some())
    };
    let shelves: Vec<_> = sources
        .iter()
        .filter(have_resources)
        .map(|source| Shelf::new(source, definition, of))
        .collect();
    if shelves.is_empty() && apps.is_empty() {
        return None;
    }
    let (mut resources, mut templates) = (Keyed::new(definition), Keyed::new(definition));
    for shelf in &shelves {
        resources.add(shelf, shelf.offer.resources());
        templates.add(shelf, shelf.offer.templates());
    }
    let subscriptions = |shelf: &Shelf| {
        let inventory = shelf.offer.inventory.as_ref();
        inventory.is_some_and(|inventory| inventory.features.subscriptions)
    };
    let mut origins = shelves.iter().map(|shelf| &shelf.origin).chain(apps.values());
    Some(Resources {
        are_limited: origins.any(|origin| origin.limits().is_some()),
        subscriptions: shelves.iter().any(subscriptions),
        resources: resources.items,
        templates: templates.items,
        unlisted: Some(Arc::new(move |uri: &str| {
            let app = apps.get(uri);
            app.or_else(|| owner(&shelves, uri)).cloned()
        })),
    })
}

/// Whose a URI is that no list has: that of a template, or the only one's.
fn owner<'a>(shelves: &'a [Shelf], uri: &str) -> Option<&'a Arc<dyn Origin>> {
    let by_template = shelves.iter().find(|shelf| shelf.has_template_of(uri));
    let only = || match shelves {
        [only] if only.includes(uri) && only.offer.definition.resources.shows(uri) => Some(only),
        _ => None,
    };
    Some(&by_template.or_else(only)?.origin)
}

/// The pages that tools of this instance name, also where nothing else of their upstream is shown: without its page such a
/// tool is of no use.
pub(super) fn of_apps(chosen: &[Chosen], definition: &InstanceDefinition, of: &UpstreamInventories) -> Apps {
    let mut apps = Apps::new();
    for chosen in chosen {
        let Some(uri) = page(&chosen.offered.tool.listing) else {
            continue;
        };
        let upstream = &chosen.offered.upstream;
        let is_shown = of
            .hub
            .offer(upstream)
            .is_some_and(|offer| offer.definition.resources.shows(&uri));
        if is_shown && !excludes(definition, upstream, &uri) {
            apps.entry(uri)
                .or_insert_with(|| of.origin(upstream, What::Resources));
        }
    }
    apps
}

/// The URI of the page that a tool's entry names.
fn page(listing: &str) -> Option<String> {
    let members = Members::read(listing).ok()?;
    let meta = Members::read(members.get("_meta")?.get()).ok()?;
    let nested = || Members::read(meta.get("ui")?.get()).ok()?.get("resourceUri");
    let uri = nested().or_else(|| meta.get("ui/resourceUri"))?;
    serde_json::from_str(uri.get()).ok()
}

fn excludes(definition: &InstanceDefinition, upstream: &str, uri: &str) -> bool {
    let excluded = definition.exclude.iter().flat_map(|exclude| &exclude.resources);
    excluded.into_iter().any(|out| out.matches(upstream, uri))
}

/// What a look at all templates of an upstream may take: tens of milliseconds of a worker. A server whose templates take more
/// has such URIs listed, or not read.
const MOST_STEPS: usize = 50_000_000;

/// The resources of one upstream, as the instance shows them.
struct Shelf {
    offer: upstream::Offer,
    origin: Arc<dyn Origin>,
    /// `None`: all of them.
    included: Option<Vec<RemotePattern>>,
    excluded: Vec<RemotePattern>,
}

impl Shelf {
    fn new(source: &Source, definition: &InstanceDefinition, of: &UpstreamInventories) -> Self {
        let include = definition.include.as_ref().filter(|_| !source.is_whole);
        let exclude = definition.exclude.as_ref();
        Self {
            origin: of.origin(source.id(), What::Resources),
            included: include.map(|include| include.resources.clone()),
            excluded: exclude
                .map(|exclude| exclude.resources.clone())
                .unwrap_or_default(),
            offer: source.offer.clone(),
        }
    }

    fn is_excluded(&self, uri: &str) -> bool {
        let id = &self.offer.definition.id;
        self.excluded.iter().any(|out| out.matches(id, uri))
    }

    /// Whether the instance shows it, if the upstream's definition does.
    fn includes(&self, uri: &str) -> bool {
        let id = &self.offer.definition.id;
        let among = |patterns: &Vec<RemotePattern>| patterns.iter().any(|pattern| pattern.matches(id, uri));
        self.included.as_ref().is_none_or(among) && !self.is_excluded(uri)
    }

    /// Whether the URI may come from a template that is shown, and is not left out itself.
    fn has_template_of(&self, uri: &str) -> bool {
        let Some(inventory) = &self.offer.inventory else {
            return false;
        };
        let own = &self.offer.definition.resources;
        let is_left_out = self.is_excluded(uri) || own.exclude.iter().any(|out| out.matches(uri));
        let mut templates = inventory.templates.iter();
        let mut left = MOST_STEPS;
        !is_left_out
            && templates.any(|template| {
                let key = &template.listed.key;
                if !own.shows(key) || !self.includes(key) {
                    return false;
                }
                let rest = left.checked_sub(template.steps(uri));
                left = rest.unwrap_or(0);
                rest.is_some() && template.matches(uri)
            })
    }
}

/// Entries by their keys, each with one owner.
struct Keyed<'a> {
    definition: &'a InstanceDefinition,
    items: Vec<Item>,
    owners: HashMap<Arc<str>, Arc<str>>,
}

impl<'a> Keyed<'a> {
    fn new(definition: &'a InstanceDefinition) -> Self {
        Self {
            definition,
            items: Vec::new(),
            owners: HashMap::new(),
        }
    }

    fn add<'b>(&mut self, shelf: &Shelf, listed: impl Iterator<Item = &'b Listed>) {
        let upstream = &shelf.offer.definition.id;
        for entry in listed.filter(|entry| shelf.includes(&entry.key)) {
            if let Some(owner) = self.owners.get(&entry.key) {
                let (instance, uri) = (&*self.definition.id, &*entry.key);
                tracing::warn!(
                    instance,
                    uri,
                    %owner,
                    %upstream,
                    "two upstreams have a resource of one URI, and the first keeps it: exclude it from one of them"
                );
                continue;
            }
            self.owners.insert(entry.key.clone(), upstream.clone());
            self.items.push(Item {
                key: entry.key.clone(),
                entry: entry.listing.clone(),
                legacy_entry: None,
                mirrored: Arc::default(),
                origin: shelf.origin.clone(),
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::page;

    #[test]
    fn a_tool_s_page_is_found_where_it_is_named() {
        for (meta, found) in [
            (r#"{"ui":{"resourceUri":"ui://a"}}"#, Some("ui://a")),
            (r#"{"ui/resourceUri":"ui://b"}"#, Some("ui://b")),
            (r#"{"ui":{"resourceUri":7}}"#, None),
            (r#"{"ui":"x"}"#, None),
            ("{}", None),
        ] {
            assert_eq!(
                page(&format!("{{\"name\":\"x\",\"_meta\":{meta}}}")).as_deref(),
                found
            );
        }
    }
}
