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
    /// The same tool of others of its group, in the order in which they are asked.
    pub(super) stand_ins: Vec<OfferedTool>,
}

/// The most others that one call goes to.
const MOST_STAND_INS: usize = 3;

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
                    stand_ins: self
                        .stand_ins
                        .into_iter()
                        .map(|other| (other.upstream, other.tool))
                        .collect(),
                })),
            ),
        }
    }

    /// Whether calls may go on to the other one: both documents say so, and it takes the same.
    fn is_stood_in_for_by(&self, other: &Self) -> bool {
        let group = |chosen: &Self| chosen.offered.definition.tools.group.clone();
        let schema =
            |chosen: &Self| serde_json::from_str::<serde_json::Value>(&chosen.offered.input_schema()).ok();
        self.stand_ins.len() < MOST_STAND_INS
            && group(self).is_some()
            && group(self) == group(other)
            && self.offered.upstream != other.offered.upstream
            && schema(self) == schema(other)
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
            stand_ins: Vec::new(),
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
                stand_ins: Vec::new(),
            }),
    );
    let mut owners: HashMap<Arc<str>, usize> = HashMap::new();
    let mut kept: Vec<Chosen> = Vec::with_capacity(all.len());
    for chosen in all {
        let id = chosen.offered.id();
        if excluded.contains(&*id) {
            continue;
        }
        let Some(owner) = owners.get(&chosen.name).and_then(|place| kept.get_mut(*place)) else {
            owners.insert(chosen.name.clone(), kept.len());
            kept.push(chosen);
            continue;
        };
        if owner.is_stood_in_for_by(&chosen) {
            owner.stand_ins.push(chosen.offered);
            continue;
        }
        let (instance, name, owner) = (&*definition.id, &*chosen.name, owner.offered.id());
        tracing::warn!(
            instance,
            name,
            owner,
            tool = id,
            "two tools of upstreams would have one name, and the first keeps it: give one of the upstreams a `tools.prefix`, one of the tools another name, \
             or both upstreams a `tools.group` if they do the same"
        );
    }
    kept
}
