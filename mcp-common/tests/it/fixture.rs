//! A catalog whose compiler counts its work and refuses what is asked of it.

use mcp_common::{
    catalog::{Catalog, Compile, Compiled, ToolEntry},
    datasource::{Batch, Change, Record},
    definition::{InstanceDefinition, ToolDefinition, instance::ToolOverrides},
    key::{Key, Revision},
    problem::{Problem, Problems},
};
use serde_json::{Value, json};
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

#[derive(Default)]
pub(crate) struct Compiler {
    pub(crate) compiled: AtomicUsize,
}

impl Compile for Compiler {
    type Tool = String;

    fn compile(&self, definition: &ToolDefinition) -> Result<Compiled<String>, Problems> {
        self.compiled.fetch_add(1, Ordering::Relaxed);
        match &*definition.description {
            "bad" => Err(Problem::at("description", "is bad").into()),
            "panic" => panic!("a fault in the compiler"),
            text => Ok(Compiled {
                tool: text.to_owned(),
                warnings: Vec::new(),
            }),
        }
    }

    /// A description of words: `takes:a` is an argument, `needs:a` a var.
    fn with_overrides(
        &self,
        tool: &ToolEntry<String>,
        overrides: &Arc<ToolOverrides>,
    ) -> Result<String, Problems> {
        self.compiled.fetch_add(1, Ordering::Relaxed);
        assert!(
            !overrides.hide.contains(&"panic".to_owned()),
            "a fault in the compiler"
        );
        let takes = |name: &str| {
            tool.compiled
                .split(' ')
                .any(|word| word == format!("takes:{name}"))
        };
        match overrides.hide.iter().position(|name| !takes(name)) {
            Some(index) => Err(Problem::at(format!("hide[{index}]"), "is unknown").into()),
            None => Ok(format!("{} without {}", tool.compiled, overrides.hide.join(" "))),
        }
    }

    fn check_needs(&self, tool: &ToolEntry<String>, instance: &InstanceDefinition) -> Result<(), Problems> {
        let mut needed = tool
            .compiled
            .split(' ')
            .filter_map(|word| word.strip_prefix("needs:"));
        match needed.find(|name| !instance.vars.contains_key(*name)) {
            Some(name) => Err(Problem::at(format!("vars.{name}"), "is missing").into()),
            None => Ok(()),
        }
    }
}

pub(crate) fn catalog() -> Catalog<Compiler> {
    Catalog::new(Compiler::default())
}

pub(crate) fn tool(name: &str, description: &str, tags: &[&str]) -> Value {
    json!({"name": name, "description": description, "tags": tags, "input_schema": {},
        "tds_ext_info": {"domain": "api.example.com", "method": "GET", "path": "/v1"}})
}

pub(crate) fn instance(tools: &[&str], tags: &[&str]) -> Value {
    json!({"name": "an instance", "tool_ids": tools, "include": {"tags": tags}})
}

pub(crate) fn record(key: Key, revision: Revision, body: impl ToString) -> Record {
    Record {
        key,
        revision,
        updated_at: None,
        body: body.to_string().into(),
    }
}

pub(crate) fn put(key: Key, revision: Revision, body: impl ToString) -> Batch {
    Batch {
        revision,
        changes: vec![Change::Put(record(key, revision, body))],
    }
}

pub(crate) fn delete(key: Key, revision: Revision) -> Batch {
    Batch {
        revision,
        changes: vec![Change::Delete { key, revision }],
    }
}

/// Name and description of each tool that the instance shows.
pub(crate) fn shown(catalog: &Catalog<Compiler>, instance: &str) -> Vec<String> {
    let snapshot = catalog.snapshot();
    let tools = &snapshot.instances.get(instance).unwrap().selection.tools;
    tools
        .iter()
        .map(|shown| {
            let overridden = shown.overridden.as_ref().map(|overridden| &overridden.compiled);
            format!("{}={}", shown.name, overridden.unwrap_or(&shown.tool.compiled))
        })
        .collect()
}
