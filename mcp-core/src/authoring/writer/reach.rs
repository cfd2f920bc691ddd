//! How far the changes of a plan reach: which of the stored definitions have to be looked at with them.

use crate::authoring::change_plan::{Plan, Step};
use mcp_common::{
    datasource::{Load, Record},
    definition::InstanceDefinition,
    document::Document,
    key::{Key, Kind},
};
use serde::Deserialize;
use std::collections::HashSet;

/// Of all that is stored: what the plan changes, the instances that show any of it, and the tools of these.
pub(super) fn of_plan(plan: &Plan, mut load: Load) -> Load {
    let changed: HashSet<&Key> = plan.steps.iter().map(Step::key).collect();
    let mut shown = Shown::default();
    for step in &plan.steps {
        if let Some(document) = step.document().filter(|_| step.key().kind == Kind::INSTANCE) {
            shown.add(&step.key().id, document);
        }
    }
    load.records.retain(|record| {
        if record.key.kind != Kind::INSTANCE {
            return true;
        }
        let Ok(document) = Document::take(record.body.clone()) else {
            return false;
        };
        let Ok(read) = InstanceDefinition::read(&record.key.id, &document) else {
            return changed.contains(&record.key);
        };
        let definition = read.definition;
        let mut named = definition.tool_ids.iter().map(|tool| Key::tool(tool.id.clone()));
        let has_tags = definition.include.iter().any(|include| !include.tags.is_empty());
        // A tag that a changed tool gets or loses may be one of them.
        let is_reached =
            changed.contains(&record.key) || has_tags || named.any(|tool| changed.contains(&tool));
        if is_reached {
            shown.add_definition(definition);
        }
        is_reached
    });
    load.records
        .retain(|record| record.key.kind != Kind::TOOL || changed.contains(&record.key) || shown.has(record));
    load
}

/// What instances show.
#[derive(Default)]
struct Shown {
    tools: HashSet<Key>,
    tags: HashSet<String>,
}

#[derive(Deserialize)]
struct Tags {
    #[serde(default)]
    tags: Vec<String>,
}

impl Shown {
    fn add(&mut self, id: &str, document: &Document) {
        if let Ok(read) = InstanceDefinition::read(id, document) {
            self.add_definition(read.definition);
        }
    }

    fn add_definition(&mut self, definition: InstanceDefinition) {
        self.tools
            .extend(definition.tool_ids.into_iter().map(|tool| Key::tool(tool.id)));
        let include = definition.include.into_iter();
        self.tags.extend(
            include
                .flat_map(|include| include.tags)
                .map(|tag| tag.to_string()),
        );
    }

    fn has(&self, record: &Record) -> bool {
        let has_tag = || {
            let read: Option<Tags> = serde_json::from_slice(&record.body).ok();
            read.is_some_and(|read| read.tags.iter().any(|tag| self.tags.contains(tag)))
        };
        self.tools.contains(&record.key) || (!self.tags.is_empty() && has_tag())
    }
}
