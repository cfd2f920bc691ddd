//! A hundred thousand plain tools and ten thousand instances.

use dynmcp_harness::Row;
use serde_json::{Value, json};

/// A tool as an API's description gives it: a few parameters, no templates.
pub(super) fn tool(number: usize, description: &str) -> Value {
    json!({
        "name": format!("create_order_{number:06}"),
        "description": format!("{description} Order kind {number}, for a customer; says what it will cost."),
        "input_schema": {
            "type": "object",
            "properties": {
                "customer": {"type": "string", "minLength": 1, "description": "Who orders"},
                "quantity": {"type": "integer", "minimum": 1, "maximum": 1000},
                "express": {"type": "boolean", "description": "Delivered tomorrow"},
                "region": {"type": "string", "enum": ["eu", "us", "apac"]},
            },
            "required": ["customer", "quantity"],
            "additionalProperties": false,
        },
        "tds_ext_info": {
            "domain": "http://127.0.0.1:9", "method": "POST", "path": format!("/v{}/orders", number % 50),
        },
    })
}

/// The tool's key.
pub(super) fn id(number: usize) -> String {
    format!("create_order_{number:06}")
}

pub(super) fn tools(count: usize) -> Vec<Row> {
    let row = |number| ("TDS", id(number), tool(number, "Creates an order.").to_string());
    (0..count).map(row).collect()
}

/// Ten tools each, in turns.
pub(super) fn instances(count: usize, tools: usize) -> Vec<Row> {
    let row = |number: usize| {
        let ids: Vec<_> = of_instance(number, tools).map(id).collect();
        let document = json!({"name": format!("Instance {number}"), "tool_ids": ids});
        ("IDS", format!("i{number:05}"), document.to_string())
    };
    (0..count).map(row).collect()
}

/// The tools of an instance.
fn of_instance(number: usize, tools: usize) -> impl Iterator<Item = usize> {
    (0..10).map(move |place| (number * 10 + place) % tools)
}

/// Whether the instance has the tool.
pub(super) fn has_tool(instance: usize, tool: usize, tools: usize) -> bool {
    of_instance(instance, tools).any(|other| other == tool)
}
