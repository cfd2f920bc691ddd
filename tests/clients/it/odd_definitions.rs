//! Definitions that clients stumble over, were they listed as they are written: with one of them in the list, some lose
//! every tool. Each official client lists and calls all of them.

use anyhow::{Result, ensure};
use axum::{Json, Router, routing::any};
use dynmcp_harness::{Gateway, Toolbox, Upstream};
use serde_json::{Value, json};
use std::process::Stdio;
use tokio::process::Command;

/// Members of a definition.
fn definitions() -> Vec<Value> {
    let output = |members: Value| {
        let mut schema = json!({"type": "object"});
        if let (Some(schema), Value::Object(members)) = (schema.as_object_mut(), members) {
            schema.extend(members);
        }
        json!({ "output_schema": schema })
    };
    vec![
        json!({"input_schema": {"properties": {"a": true, "b": false}}}),
        json!({"input_schema": {"properties": {"a": {"type": "array"}, "b": {"enum": [1, 1.0]}, "c": {"pattern": r"^\d\-$"}}}}),
        json!({"input_schema": {"allOf": [{"properties": {"a": {"type": "string"}}}]}}),
        json!({"annotations": {"readOnlyHint": null, "title": null}, "icons": [{"src": "https://a.example/b.png", "theme": null}]}),
        output(json!({"properties": {"text": true}})),
        output(json!({"properties": {"phone": {"type": "string", "pattern": r"^\d{3}\-\d{4}$"}}})),
        output(json!({"properties": {"text": {"type": "string", "pattern": r"^\p{L}+$"}}})),
        output(
            json!({"patternProperties": {r"^\p{L}+$": {"type": ["string", "array", "null"]}}, "additionalProperties": false}),
        ),
        output(json!({"properties": {"none": {"nullable": true, "id": "x"}}})),
        output(json!({"properties": {"text": {"format": "email", "formatMinimum": "a"}}})),
        output(
            json!({"properties": {"rest": {"prefixItems": [{"type": "string"}], "items": {"type": "integer"}}}}),
        ),
        output(json!({"properties": {"no": {"enum": []}}})),
        output(
            json!({"$id": "https://a.example/one", "properties": {"text": {"type": "string"}}, "required": ["text", "text"]}),
        ),
        output(
            json!({"$id": "https://a.example/one", "properties": {"phone": {"type": "string"}}, "required": ["phone"]}),
        ),
        output(
            json!({"properties": {"text": {"not": {"pattern": r"\-"}}, "phone": {"oneOf": [{"pattern": r"\-"}, {"type": "null"}]}}}),
        ),
    ]
}

/// An instance with all of them, and how many there are.
async fn open() -> Result<(Gateway, Upstream, usize)> {
    let answer =
        || async { Json(json!({"text": "Zürich", "phone": "555-1234", "rest": ["a", 1], "none": null})) };
    let upstream = Upstream::start(Router::new().route("/", any(answer))).await?;
    let gateway = Gateway::start().await?;
    let definitions = definitions();
    let count = definitions.len();
    let mut names = Vec::new();
    for (index, members) in definitions.into_iter().enumerate() {
        let name = format!("odd_{index}");
        let mut document = json!({
            "name": name,
            "description": "Odd",
            "tds_ext_info": {"domain": upstream.origin(), "method": "POST", "path": "/"},
        });
        if let (Some(document), Value::Object(members)) = (document.as_object_mut(), members) {
            document.extend(members);
        }
        gateway.admin().put_tool(&name, &document).await?;
        names.push(name);
    }
    let instance = json!({"name": "Odd", "tool_ids": names});
    gateway.admin().put_instance("odd", &instance).await?;
    Ok((gateway, upstream, count))
}

async fn run(program: std::path::PathBuf, script: &str, expected: &[&str]) -> Result<()> {
    let (gateway, _upstream, count) = open().await?;
    let output = Command::new(program)
        .arg(format!("{}/{script}", env!("CARGO_MANIFEST_DIR")))
        .args([gateway.endpoint("odd").as_str(), Gateway::KEY])
        .env("NODE_TOOLS", Toolbox::open()?.node_packages())
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await?;
    let said = String::from_utf8_lossy(&output.stdout);
    let complaints = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{}\n{said}\n{complaints}", output.status);
    for client in expected {
        let line = format!("{client}: {count}");
        ensure!(said.lines().any(|said| said == line), "no `{line}` in:\n{said}");
    }
    Ok(())
}

#[tokio::test]
async fn the_typescript_clients_list_and_call_all() -> Result<()> {
    let node = Toolbox::open()?.node();
    run(node, "typescript/lists.mjs", &["1.x", "2.x", "2.x, 2026-07-28"]).await
}

#[tokio::test]
async fn the_python_client_lists_and_calls_all() -> Result<()> {
    let python = Toolbox::open()?.python();
    run(python, "python/lists.py", &["legacy", "2026-07-28"]).await
}
