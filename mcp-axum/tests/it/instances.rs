//! What instances say about the arguments of their tools, and the values they give to templates.

mod agreement;
mod changes;
mod nulls;
mod recipe;
mod refusals;

use crate::test_app::{TestApp, Upstream};
use serde_json::{Value, json};

/// The listed input schema of the instance's first tool.
async fn listed(app: &TestApp, instance: &str) -> Value {
    let mut answer = app
        .mcp(instance)
        .modern("tools/list", json!({}))
        .await
        .ok()
        .json();
    answer["result"]["tools"][0]["inputSchema"].take()
}

/// A tool `orders`: `GET /{region}/orders`, with further members of the binding.
async fn put_orders(app: &TestApp, upstream: &Upstream, schema: Value, more: Value) {
    app.admin()
        .put("/admin/tds/orders", &orders(upstream, schema, more))
        .await
        .ok();
}

fn orders(upstream: &Upstream, schema: Value, more: Value) -> Value {
    let mut binding = json!({"domain": upstream.origin(), "method": "GET", "path": "/{region}/orders"});
    for (name, value) in more.as_object().unwrap() {
        binding[name] = value.clone();
    }
    json!({"name": "orders", "description": "Finds orders.", "input_schema": schema, "tds_ext_info": binding})
}

fn schema() -> Value {
    json!({"type": "object", "required": ["region", "q"], "additionalProperties": false, "properties": {
        "region": {"enum": ["eu", "us"]}, "q": {"type": "string"}, "limit": {"type": "integer", "maximum": 9}}})
}

/// An instance `i` with that tool.
fn instance(overrides: Value) -> Value {
    let mut entry = json!({"id": "orders"});
    for (name, value) in overrides.as_object().unwrap() {
        entry[name] = value.clone();
    }
    json!({"name": "An instance", "tool_ids": [entry]})
}
