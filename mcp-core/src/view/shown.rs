//! The tools of one instance, compiled, in the order in which they are listed.

use super::{Callee, Condition, Cursor, Item, ViewTool, collection::Member, narrowed::Sight, offer};
use crate::{
    spec::Era,
    telemetry::Metrics,
    tool::{Bases, CompiledTool, ShownTool, StoredTool, ToolCompiler},
};
use mcp_common::{
    authenticator::{CommonLimits, LimitScope},
    catalog::{InstanceEntry, Selected, ToolEntry},
    definition::Access,
};
use std::{collections::HashSet, sync::Arc};

/// An instance's tools, ready to be listed and called.
pub(super) struct Shown<'a> {
    entry: &'a InstanceEntry<StoredTool>,
    bases: &'a Bases,
    pub(super) tools: Vec<(&'a Selected<StoredTool>, Arc<CompiledTool>)>,
}

impl<'a> Shown<'a> {
    pub(super) fn new(
        entry: &'a InstanceEntry<StoredTool>,
        compiler: &'a ToolCompiler,
        sight: Sight<'_>,
    ) -> Self {
        let compiled = |selected: &'a Selected<StoredTool>| {
            let tool = &selected.tool;
            let stored = match &selected.overridden {
                Some(overridden) => &overridden.compiled,
                None => &tool.compiled,
            };
            match stored.compiled(compiler, tool) {
                Ok(compiled) => Some((selected, compiled)),
                Err(problems) => {
                    // Neither listed nor called, rather than listed only.
                    let (instance, tool) = (&*entry.definition.id, &*tool.id);
                    tracing::error!(instance, tool, %problems, "the tool compiles no more, it is left out");
                    None
                }
            }
        };
        let shown = entry
            .selection
            .tools
            .iter()
            .filter(|selected| sight.shows(&entry.definition.id, selected))
            // It joins when its service is there: until then nothing could be called.
            .filter(|selected| {
                selected
                    .tool
                    .compiled
                    .upstream()
                    .is_none_or(|id| compiler.may_have(id))
            });
        let tools = shown.filter_map(compiled).collect();
        let bases = compiler.bases();
        Self { entry, bases, tools }
    }

    /// All tools of the view: its own, then those that are offered under names that none of them has.
    pub(super) fn members(self, offered: Vec<Item>, metrics: &Metrics) -> Vec<Member<ViewTool>> {
        let instance = &self.entry.definition.id;
        let of_instance = self.entry.definition.access.as_ref();
        let conditions = |of_tool: Option<&Access>| {
            let said = [
                ("`access` of the instance", of_instance),
                ("`access` of the tool", of_tool),
            ];
            let said = said.into_iter().filter_map(|(place, access)| {
                let when = access?.when.clone()?;
                Some(Condition { place, when })
            });
            said.collect::<Box<[Condition]>>()
        };
        let tool = |name: &Arc<str>, callee, of_tool: Option<&Access>, limits| ViewTool {
            name: name.clone(),
            callee,
            conditions: conditions(of_tool),
            limits,
            metrics: metrics.tool(instance, name),
        };
        // The selection keeps the order of `tool_ids`, so one walk finds every place, also of a tool listed twice.
        let mut explicit = self.entry.definition.tool_ids.iter().zip(0_u32..);
        let mut place_of = |id: &str| {
            explicit
                .find(|(reference, _)| *reference.id == *id)
                .map_or(Cursor::TAGGED, |(_, place)| place)
        };
        let own = self.tools.into_iter().map(|(selected, compiled)| {
            let listing = |era| compiled.listing(&selected.name, selected.description.as_deref(), era);
            Member {
                key: selected.name.clone(),
                order: Cursor {
                    place: place_of(&selected.tool.id),
                    id: selected.tool.id.to_string(),
                },
                modern: listing(Era::Modern),
                legacy: listing(Era::Legacy),
                what: tool(
                    &selected.name,
                    Callee::Defined(ShownTool::new(selected, &compiled)),
                    selected.tool.access.as_deref(),
                    limits(self.bases, &selected.tool),
                ),
            }
        });
        let mut all: Vec<_> = own.collect();
        if offered.is_empty() {
            return all;
        }
        let taken: HashSet<_> = all.iter().map(|member| member.key.clone()).collect();
        let (clashing, free): (Vec<_>, Vec<_>) =
            offered.into_iter().partition(|item| taken.contains(&item.key));
        for item in clashing {
            tracing::warn!(%instance, tool = %item.key, "a tool of a definition has this name, the offered one is left out");
        }
        all.extend(offer::members(free, |item| {
            tool(
                &item.key,
                Callee::Origin(item.origin.clone(), item.mirrored.clone()),
                None,
                item.origin.limits().cloned().into_iter().collect(),
            )
        }));
        all
    }
}

/// What all callers together may call of a tool, and of the HTTP service that it is called at.
fn limits(bases: &Bases, tool: &ToolEntry<StoredTool>) -> Box<[Arc<CommonLimits>]> {
    let own = CommonLimits::of(LimitScope::Tool, &tool.id, tool.limits);
    let of_service = tool.compiled.upstream().and_then(|id| {
        let limits = bases.definition(id)?.limits.of_calls();
        CommonLimits::of(LimitScope::Upstream, id, limits)
    });
    own.into_iter().chain(of_service).collect()
}
