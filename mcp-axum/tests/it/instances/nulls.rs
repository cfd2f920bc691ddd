//! Null for an optional argument, in instances where that counts as not given.

use crate::test_app::{TestApp, Upstream};
use serde_json::{Value, json};

async fn tools(app: &TestApp, upstream: &Upstream) {
    let flat = json!({"type": "object", "additionalProperties": false, "required": ["id", "note"], "properties": {
        "id": {"type": "string"}, "note": {"type": ["string", "null"]}, "limit": {"type": "integer"}, "due": {"type": ["string", "null"]},
        "region": {"enum": ["eu", "us"]}, "deep": {"type": "object"}}});
    let grouped = json!({"type": "object", "required": ["path"], "properties": {
        "path": {"type": "object", "properties": {"id": {"type": "string"}}, "required": ["id"]},
        "query": {"type": "object", "properties": {"limit": {"type": "integer"}}},
        "body": {"type": "object", "required": ["note"], "properties": {"note": {"type": ["string", "null"]}, "due": {"type": "string"}}}}});
    for (id, schema) in [("flat", flat), ("grouped", grouped), ("open", json!({}))] {
        let path = if id == "open" { "/x" } else { "/x/{id}" };
        let document = json!({"name": id, "description": "A thing.", "input_schema": schema,
            "tds_ext_info": {"domain": upstream.origin(), "method": "POST", "path": path}});
        app.admin().put(&format!("/admin/tds/{id}"), &document).await.ok();
    }
}

async fn sent(
    app: &TestApp,
    upstream: &Upstream,
    instance: &str,
    tool: &str,
    arguments: Value,
) -> Result<(String, Value), String> {
    let before = upstream.requests().len();
    let result = app.mcp(instance).call(tool, arguments).await;
    match upstream.requests().len() == before {
        true => Err(result["content"][0]["text"].as_str().unwrap().to_owned()),
        false => {
            let last = upstream.last();
            Ok((last.path.clone(), last.json()))
        }
    }
}

#[tokio::test]
async fn it_is_left_out_where_the_instance_says_so_and_nowhere_else() {
    let app = TestApp::start().await;
    let upstream = app.upstream().await;
    tools(&app, &upstream).await;
    let ids = json!(["flat", "grouped", "open"]);
    let with_values = json!([{"id": "flat", "defaults": {"region": "eu", "id": "7"}}]);
    for (instance, tool_ids, switch) in [
        ("strict", &ids, false),
        ("kind", &ids, true),
        ("filled", &with_values, true),
    ] {
        let document = json!({"name": instance, "tool_ids": tool_ids, "null_as_absent": switch});
        app.admin()
            .put(&format!("/admin/ids/{instance}"), &document)
            .await
            .ok();
    }
    let all_null = json!({"id": "a", "note": null, "limit": null, "due": null, "region": null, "deep": null});
    let refused = sent(&app, &upstream, "strict", "flat", all_null.clone())
        .await
        .unwrap_err();
    assert!(
        refused.contains("/limit") && refused.contains("nothing was sent"),
        "{refused}"
    );
    for (instance, tool, arguments, expected) in [
        ("kind", "flat", all_null, ("/x/a", json!({"note": null}))),
        (
            "kind",
            "flat",
            json!({"id": "a", "note": "n", "deep": {"x": null}}),
            ("/x/a", json!({"note": "n", "deep": {"x": null}})),
        ),
        (
            "kind",
            "grouped",
            json!({"path": {"id": "a"}, "query": null, "body": {"note": null, "due": null}}),
            ("/x/a", json!({"note": null})),
        ),
        (
            "kind",
            "grouped",
            json!({"path": {"id": "a"}, "query": {"limit": null}, "body": {"note": "n"}}),
            ("/x/a", json!({"note": "n"})),
        ),
        (
            "kind",
            "open",
            json!({"a": null, "b": 1}),
            ("/x", json!({"b": 1})),
        ),
        (
            "strict",
            "open",
            json!({"a": null, "b": 1}),
            ("/x", json!({"a": null, "b": 1})),
        ),
        // What the instance gives is given where the client gives nothing.
        (
            "filled",
            "flat",
            json!({"id": null, "note": "n", "region": null}),
            ("/x/7", json!({"note": "n", "region": "eu"})),
        ),
    ] {
        let said = format!("{instance} {tool} {arguments}");
        let (path, body) = sent(&app, &upstream, instance, tool, arguments).await.unwrap();
        assert_eq!((&*path, body), (expected.0, expected.1), "{said}");
    }
    // What cannot be left out is what it was.
    let refused = sent(&app, &upstream, "kind", "flat", json!({"id": null, "note": "n"}))
        .await
        .unwrap_err();
    assert!(refused.contains("/id: null is not of type"), "{refused}");
    // An explained call is the call.
    let asked = json!({"arguments": {"id": "a", "note": "n", "limit": null}, "instance": "kind"});
    let explained = app
        .admin()
        .send(
            app.admin()
                .request(reqwest::Method::POST, "/admin/tds/flat/explain")
                .json(&asked),
        )
        .await
        .data();
    assert!(
        explained["valid"] == true && explained["request"].to_string().contains(r#"{\"note\":\"n\"}"#),
        "{explained}"
    );
}
