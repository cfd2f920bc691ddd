//! A catalog whose compiler counts its work and refuses what is asked of it.

use mcp_common::{
    catalog::{Catalog, Compile, Compiled},
    datasource::{Batch, Change, Record},
    definition::ToolDefinition,
    key::{Key, Revision},
    problem::{Problem, Problems},
};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicUsize, Ordering};

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
        .map(|shown| format!("{}={}", shown.name, shown.tool.compiled))
        .collect()
}
