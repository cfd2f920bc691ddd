//! The tools of upstreams that an instance shows.

use super::{
    UpstreamInventories,
    origin::{Shown, What},
};
use crate::{
    engine::RemoteShaping,
    tool::{InstanceNames, RemoteArguments, mirrored_headers_of},
    upstream::{Hub, OfferedTool, Said},
    view::Item,
};
use mcp_common::definition::{InstanceDefinition, instance::ToolOverrides, upstream::RemoteOutput};
use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

/// A tool of an upstream under the name that it has in an instance.
pub(super) struct Chosen {
    name: Arc<str>,
    description: Option<Arc<str>>,
    pub(super) offered: OfferedTool,
    overrides: Option<Arc<ToolOverrides>>,
    output: Option<Arc<RemoteOutput>>,
}

impl Chosen {
    pub(super) fn item(self, definition: &InstanceDefinition, of: &UpstreamInventories) -> Item {
        let instance = &*definition.id;
        let arguments = self.overrides.as_deref().map(RemoteArguments::new);
        let schema = arguments.as_ref().map(|arguments| {
            let (schema, idle) = arguments.listed(&self.offered.input_schema());
            for argument in idle {
                let tool = self.offered.id();
                tracing::warn!(
                    instance,
                    tool,
                    argument,
                    "the instance says something about an argument that the upstream's tool does not have"
                );
            }
            schema
        });
        let shaping = self.shaping(of);
        let said = Said {
            description: self.description.as_deref(),
            schema: schema.as_deref(),
            without_output_schema: shaping
                .as_ref()
                .is_some_and(|shaping| shaping.shape.restructures()),
        };
        let (entry, legacy) = self.offered.listing(&self.name, said);
        let arguments = match definition.null_as_absent {
            true => {
                let own = self.offered.input_schema();
                let seen = schema.as_deref().unwrap_or(&own);
                Some(arguments.unwrap_or_default().with_nulls_as_absent(seen))
            }
            false => arguments,
        };
        // Clients repeat what they see.
        let seen = schema.and_then(|schema| mirrored_headers_of(&serde_json::from_str(&schema).ok()?).ok());
        let mirrored = seen.unwrap_or_else(|| self.offered.tool.mirrored.clone());
        Item {
            entry: entry.into(),
            legacy_entry: legacy.map(Into::into),
            key: self.name,
            mirrored: mirrored.into(),
            origin: of.origin(
                &self.offered.upstream,
                What::Tool(Arc::new(Shown {
                    tool: self.offered.tool,
                    definition: self.offered.definition,
                    arguments,
                    names: shaping.as_ref().map(|_| InstanceNames::of(definition)),
                    shaping,
                })),
            ),
        }
    }

    /// How its answers are shaped. What cannot be compiled was refused when it was written.
    fn shaping(&self, of: &UpstreamInventories) -> Option<Arc<RemoteShaping>> {
        let output = self.output.as_ref().or(self.offered.output.as_ref())?;
        let shape = of.compiler.remote_shape("output", output).ok()?;
        Some(Arc::new(RemoteShaping {
            tool: self.offered.id().into(),
            shape,
            is_safe: self.offered.tool.only_reads,
        }))
    }
}

/// Those that `tool_ids` names, then those of `include.upstreams`. Whoever comes first has a name; the others are reported, and
/// neither listed nor called.
pub(super) fn chosen(definition: &InstanceDefinition, hub: &Hub) -> Vec<Chosen> {
    let excluded = definition.exclude.iter().flat_map(|exclude| &exclude.tool_ids);
    let excluded: HashSet<&str> = excluded.map(|id| &**id).collect();
    let named = definition.tool_ids.iter().filter_map(|reference| {
        let (upstream, tool) = reference.remote()?;
        let offered = hub.offer(upstream)?.tool(tool)?;
        Some(Chosen {
            name: reference.name.clone().unwrap_or_else(|| offered.name.clone()),
            description: reference.description.clone(),
            offered,
            overrides: reference.overrides.clone(),
            output: reference.output.clone(),
        })
    });
    let mut all: Vec<Chosen> = named.collect();
    let listed: HashSet<String> = all.iter().map(|chosen| chosen.offered.id()).collect();
    let included = definition.include.iter();
    let mut offers: Vec<_> = included.flat_map(|include| super::whole(include, hub)).collect();
    offers.sort_by_key(|offer| (offer.definition.priority, offer.definition.id.clone()));
    offers.dedup_by_key(|offer| offer.definition.id.clone());
    let whole = offers.iter().flat_map(|offer| offer.tools());
    all.extend(
        whole
            .filter(|offered| !listed.contains(&offered.id()))
            .map(|offered| Chosen {
                name: offered.name.clone(),
                description: None,
                offered,
                overrides: None,
                output: None,
            }),
    );
    let mut owners: HashMap<Arc<str>, String> = HashMap::new();
    all.retain(|chosen| {
        let id = chosen.offered.id();
        if excluded.contains(&*id) {
            return false;
        }
        let Some(owner) = owners.get(&chosen.name) else {
            owners.insert(chosen.name.clone(), id);
            return true;
        };
        let (instance, name) = (&*definition.id, &*chosen.name);
        tracing::warn!(
            instance,
            name,
            owner,
            tool = id,
            "two tools of upstreams would have one name, and the first keeps it: give one of the upstreams a `tools.prefix`, or one of the tools another name"
        );
        false
    });
    all
}
