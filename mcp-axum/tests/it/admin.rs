//! The admin API, through HTTP.

mod access;
mod conditions;
mod curl;
mod docs;
mod documents;
mod dry_runs;
mod faults;
mod faulty;
mod history;
mod lists;
mod log;
mod older_console;
mod operation;
mod refusals;
mod replicas;
mod visibility;

use serde_json::{Value, json};

/// The first version's tool document.
fn v1_tool() -> Value {
    json!({
        "id": "tool123", "name": "example_tool", "description": "An example tool", "input_schema": {},
        "tds_ext_info": {
            "domain": "api.example.com", "method": "GET", "path": "/v1/example", "required_params": {}, "ext_info": {}
        }
    })
}

/// A small tool document under any id.
fn tool(id: &str, name: &str) -> Value {
    let mut document = v1_tool();
    document["id"] = json!(id);
    document["name"] = json!(name);
    document
}

/// An instance of these tools.
fn instance(id: &str, tools: &[&str]) -> Value {
    json!({"id": id, "name": format!("Instance {id}"), "tool_ids": tools})
}
