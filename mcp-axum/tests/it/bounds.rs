//! Definitions made to end the gateway: refused with the bound at every door, and the gateway answers afterwards.

use crate::test_app::{Answer, TestApp};
use mcp_common::key::Key;
use reqwest::Method;
use serde_json::{Map, Value, json};

fn tool(schema: Value, response: Value) -> Value {
    json!({"name": "killer", "description": "A tool.", "input_schema": schema, "tds_ext_info": {
        "domain": "127.0.0.1:1", "method": "GET", "path": "/", "response": response}})
}

fn with_jq(code: String) -> Value {
    tool(json!({}), json!({"jq": code}))
}

fn with_template(text: String) -> Value {
    tool(json!({"properties": {"a": {}}}), json!({"template": text}))
}

/// 26 definitions of which each refers to the next one twice.
fn doubling() -> Value {
    let next = |n: usize| json!({"$ref": format!("#/$defs/d{}", n + 1)});
    let definition = |n: usize| (format!("d{n}"), json!({"allOf": [next(n), next(n)]}));
    let mut definitions: Map<_, _> = (0..26).map(definition).collect();
    definitions.insert("d26".to_owned(), json!({"type": "integer"}));
    json!({"properties": {"a": {"$ref": "#/$defs/d0"}}, "$defs": definitions})
}

/// The definition, and what the refusal says.
fn killers() -> Vec<(Value, &'static str)> {
    let patterns = |count: usize| -> Map<_, _> {
        let pattern = |n: usize| (format!("p{n}"), json!({"pattern": format!("\\p{{L}}{{200}}{n}")}));
        (0..count).map(pattern).collect()
    };
    let nested = (0..70).fold(json!({}), |inner, _| json!({"items": inner}));
    let many: Vec<usize> = (0..31_000).collect();
    vec![
        (with_jq(format!("{}1", "-".repeat(1_200))), "bounds.jq_depth"),
        (
            with_jq(format!("{}.{}", "[".repeat(1_200), "]".repeat(1_200))),
            "bounds.jq_depth",
        ),
        (
            with_jq(format!("{}.{}", "\"\\(".repeat(1_200), ")\"".repeat(1_200))),
            "bounds.jq_depth",
        ),
        (with_jq(".|".repeat(1_200) + "."), "bounds.jq_depth"),
        (with_jq(" ".repeat(20_000) + "."), "bounds.jq_bytes"),
        (
            with_template(format!("{{{{ {}args.a }}}}", "-".repeat(60_000))),
            "bounds.template_tag_words",
        ),
        (
            with_template(format!("{{{{ {}args.a }}}}", "not ".repeat(10_000))),
            "bounds.template_tag_words",
        ),
        (
            with_template(format!("{{{{ {}args.a }}}}", "(".repeat(900))),
            "recursion limits",
        ),
        (with_template("{% if args.a %}".repeat(3_000)), "recursion limits"),
        (
            with_template(format!("{{{{ args.a }}}}{}", "x".repeat(70_000))),
            "bounds.template_bytes",
        ),
        (
            tool(json!({"properties": patterns(1_000)}), json!({})),
            "bounds.schema_patterns",
        ),
        (
            tool(json!({"properties": patterns(400)}), json!({})),
            "bounds.schema_pattern_memory",
        ),
        (tool(doubling(), json!({})), "bounds.schema_expansion"),
        (
            tool(json!({"properties": {"a": {"enum": many}}}), json!({})),
            "bounds.schema_nodes",
        ),
        (tool(json!({"properties": {"a": nested}}), json!({})), "64 levels"),
        (
            tool(json!({"description": "x".repeat(1 << 20)}), json!({})),
            "bounds.definition_bytes",
        ),
    ]
}

async fn post(app: &TestApp, path: &str, body: &Value) -> Answer {
    let client = app.admin();
    client.send(client.request(Method::POST, path).json(body)).await
}

async fn is_alive(app: &TestApp) {
    app.anonymous().get("/healthz").await.ok();
    assert_eq!(app.admin().get("/admin/tds").await.data(), json!([]));
}

#[tokio::test]
async fn killers_are_refused_at_every_door_and_the_gateway_lives() {
    let app = TestApp::start().await;
    for (definition, bound) in killers() {
        let put = app.admin().put("/admin/tds/killer", &definition).await.error(400);
        assert!(put.contains(bound), "{bound}: {put}");
        let dry = app
            .admin()
            .put("/admin/tds/killer?dry_run=true", &definition)
            .await
            .error(400);
        assert!(dry.contains(bound), "{bound}: {dry}");
        let asked = json!({"definition": definition, "arguments": {}});
        let explained = post(&app, "/admin/tds/killer/explain", &asked).await.error(400);
        assert!(explained.contains(bound), "{bound}: {explained}");
        let planned = json!({"definitions": [{"kind": "tds", "id": "killer", "document": definition}]});
        let planned = post(&app, "/admin/plan", &planned).await;
        assert!(planned.text.contains(bound), "{bound}: {}", planned.text);
        is_alive(&app).await;
    }
}

#[tokio::test]
async fn stored_killers_are_quarantined_with_the_bound_and_again_after_a_start() {
    let mut app = TestApp::sqlite().await;
    for (number, (definition, _)) in killers().into_iter().enumerate() {
        app.store(Key::tool(format!("killer{number}")), &definition.to_string())
            .await;
    }
    for _ in 0..2 {
        let quarantine = app.admin().get("/admin/quarantine?limit=100").await.data();
        let reasons = quarantine.as_array().unwrap();
        assert_eq!(reasons.len(), killers().len(), "{quarantine}");
        for (_, bound) in killers() {
            assert!(
                reasons.iter().any(|bad| bad.to_string().contains(bound)),
                "{bound}: {quarantine}"
            );
        }
        app.anonymous().get("/healthz").await.ok();
        app.restart().await;
    }
}

#[tokio::test]
async fn killers_cost_their_operation_of_an_import_or_its_patterns() {
    let app = TestApp::start().await;
    let mut paths = Map::new();
    let mut expected = Vec::new();
    for (number, (definition, bound)) in killers().into_iter().enumerate() {
        // Of those that are schemas.
        let schema = &definition["input_schema"];
        let of_schema =
            schema.get("properties").is_some() && definition["tds_ext_info"]["response"] == json!({});
        if !of_schema || bound == "64 levels" {
            continue;
        }
        let body = json!({"content": {"application/json": {"schema": {"type": "array", "items": schema}}}});
        paths.insert(format!("/p{number}"), json!({"post": {"requestBody": body}}));
        expected.push(bound);
    }
    // Its definitions are those of the document.
    let definitions = doubling()["$defs"].take();
    let text = json!({"openapi": "3.1.0", "info": {"title": "t"}, "paths": paths, "$defs": definitions});
    let path = "/admin/import/openapi?instance=i&base_url=http://a.example&dry_run=true";
    let report = post(&app, path, &text).await.data();
    let lists = ["created", "skipped", "notes"].map(|name| report[name].as_array().unwrap());
    let [created, skipped, notes] = lists;
    // A tool is there without its patterns, and the report says why; what else kills costs the operation.
    let is_of_patterns = |bound: &&str| bound.starts_with("bounds.schema_pattern");
    let of_patterns = expected.iter().filter(|bound| is_of_patterns(bound)).count();
    assert_eq!(
        (created.len(), notes.len()),
        (of_patterns, of_patterns),
        "{report}"
    );
    assert_eq!(skipped.len(), expected.len() - of_patterns, "{report}");
    for bound in expected {
        let told = if is_of_patterns(&bound) { notes } else { skipped };
        let is_named = told.iter().any(|told| told.to_string().contains(bound));
        assert!(is_named || bound == "bounds.schema_nodes", "{bound}: {report}");
    }
    is_alive(&app).await;
    let wide = format!("{{\"openapi\":\"3.0.0\",\"x\":[{}1]}}", "1,".repeat(4_100_000));
    let client = app.admin();
    let refusal = client
        .send(client.request(Method::POST, path).body(wide))
        .await
        .error(400);
    assert!(refusal.contains("bounds.description_nodes"), "{refusal}");
    is_alive(&app).await;
}

#[tokio::test]
async fn the_configuration_lowers_and_raises_bounds() {
    let app = TestApp::with(&[("bounds.jq_bytes", "16"), ("bounds.schema_patterns", "1")]).await;
    let definition = with_jq(".a | .b | .c | .d".to_owned());
    let refusal = app.admin().put("/admin/tds/t", &definition).await.error(400);
    assert!(
        refusal.contains("more than 16 bytes, the bound `bounds.jq_bytes`"),
        "{refusal}"
    );
    let two = json!({"properties": {"a": {"pattern": "x"}, "b": {"pattern": "y"}}});
    let refusal = app
        .admin()
        .put("/admin/tds/t", &tool(two, json!({})))
        .await
        .error(400);
    assert!(refusal.contains("more than 1 patterns"), "{refusal}");
}
