//! A hundred tools in one instance.

use anyhow::Result;
use dynmcp_harness::Gateway;
use serde_json::{Value, json};

/// How many there are.
pub(crate) const TOOLS: usize = 100;

/// One of them, of this name.
pub(crate) fn tool(name: &str, upstream_port: u16) -> Value {
    json!({
        "name": name,
        "description": "Creates an order for a customer and says what it will cost.",
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
            "domain": format!("http://127.0.0.1:{upstream_port}"),
            "method": "POST",
            "path": "/orders",
            "required_params": {},
        },
    })
}

/// Stores them and the instance `bench`.
pub(crate) async fn store(gateway: &Gateway, upstream_port: u16) -> Result<()> {
    let mut ids = Vec::with_capacity(TOOLS);
    for number in 0..TOOLS {
        let name = format!("create_order_{number:03}");
        gateway
            .admin()
            .put_tool(&name, &tool(&name, upstream_port))
            .await?;
        ids.push(name);
    }
    gateway
        .admin()
        .put_instance("bench", &json!({"name": "bench", "tool_ids": ids}))
        .await
}
