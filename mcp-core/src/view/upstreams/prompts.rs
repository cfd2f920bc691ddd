//! The prompts of upstreams that an instance shows.

use super::{Source, UpstreamInventories, origin::What};
use crate::view::Item;
use mcp_common::definition::InstanceDefinition;
use std::{collections::HashMap, sync::Arc};

/// `None` where no upstream of the instance has prompts.
pub(super) fn offered(
    definition: &InstanceDefinition,
    of: &UpstreamInventories,
    sources: &[Source],
) -> Option<Vec<Item>> {
    let included = definition
        .include
        .as_ref()
        .map_or(&[][..], |include| &include.prompts);
    let excluded = definition
        .exclude
        .as_ref()
        .map_or(&[][..], |exclude| &exclude.prompts);
    let have_prompts = |source: &&Source| {
        source.is_among(included)
            && source
                .features()
                .is_some_and(|features| features.prompts.is_some())
    };
    let sources: Vec<_> = sources.iter().filter(have_prompts).collect();
    if sources.is_empty() {
        return None;
    }
    let mut items = Vec::new();
    let mut owners: HashMap<Arc<str>, &Arc<str>> = HashMap::new();
    for source in sources {
        let upstream = source.id();
        for offered in source.offer.prompts() {
            let own = &offered.prompt.key;
            if !source.shows(included, own) || excluded.iter().any(|out| out.matches(upstream, own)) {
                continue;
            }
            if let Some(owner) = owners.get(&offered.name) {
                let (instance, name) = (&*definition.id, &*offered.name);
                tracing::warn!(
                    instance,
                    name,
                    %owner,
                    %upstream,
                    "two prompts of upstreams would have one name, and the first keeps it: give one of the upstreams a `prompts.prefix`"
                );
                continue;
            }
            owners.insert(offered.name.clone(), upstream);
            items.push(Item {
                entry: offered.listing(),
                legacy_entry: None,
                mirrored: Arc::default(),
                key: offered.name,
                origin: of.origin(upstream, What::Prompt(offered.prompt.key)),
            });
        }
    }
    Some(items)
}
