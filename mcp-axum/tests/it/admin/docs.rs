//! The OpenAPI document and the page that shows it.

use crate::test_app::TestApp;
use serde_json::{Value, json};
use std::collections::BTreeSet;

async fn document(app: &TestApp) -> Value {
    let answer = app.anonymous().get("/admin/openapi.json").await;
    assert_eq!(answer.status, 200);
    answer.json()
}

/// Every `$ref` in the document.
fn references(node: &Value, found: &mut BTreeSet<String>) {
    match node {
        Value::Object(members) => {
            found.extend(members.get("$ref").and_then(Value::as_str).map(str::to_owned));
            members.values().for_each(|member| references(member, found));
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        _ => {}
    }
}

#[tokio::test]
async fn every_operation_is_described_and_every_reference_leads_somewhere() {
    let app = TestApp::start().await;
    let api = document(&app).await;
    assert!(
        api["openapi"].as_str().unwrap().starts_with("3.1"),
        "{}",
        api["openapi"]
    );
    let operations = api["paths"].as_object().unwrap().iter().flat_map(|(path, item)| {
        item.as_object()
            .unwrap()
            .keys()
            .map(move |method| format!("{method} {path}"))
    });
    insta::assert_json_snapshot!("operations", operations.collect::<BTreeSet<_>>());
    let mut found = BTreeSet::new();
    references(&api, &mut found);
    assert!(found.len() > 10, "{found:?}");
    for reference in found {
        assert!(
            api.pointer(reference.trim_start_matches('#')).is_some(),
            "{reference} leads nowhere"
        );
    }
}

#[tokio::test]
async fn what_is_described_is_there() {
    let app = TestApp::start().await;
    let api = document(&app).await;
    for (path, item) in api["paths"].as_object().unwrap() {
        for method in item.as_object().unwrap().keys() {
            let client = app.admin();
            let method: reqwest::Method = method.to_uppercase().parse().unwrap();
            let answer = client
                // A stream of events would not end; it is refused without a type that there is.
                .send(
                    client
                        .request(method, &format!("{}?types=none", path.replace("{id}", "x")))
                        .body("{}"),
                )
                .await;
            let is_route = !answer.text.contains("there is no `/") && answer.status != 405;
            assert!(is_route, "{path}: {} {}", answer.status, answer.text);
        }
    }
}

#[tokio::test]
async fn its_examples_are_accepted_and_its_schemas_know_what_the_gateway_knows() {
    let app = TestApp::start().await;
    let schemas = document(&app).await["components"]["schemas"].take();
    for (name, path) in [
        ("ToolDocument", "/admin/tds/x"),
        ("InstanceDocument", "/admin/ids/x"),
    ] {
        let example = &schemas[name]["examples"][0];
        let answer = app.admin().put(path, example).await.ok();
        let only_missing_tools = answer
            .warnings()
            .iter()
            .all(|warning| !warning.contains("unknown member"));
        assert!(only_missing_tools, "{}", answer.text);
        // Every described member is one that the gateway reads.
        let mut document = example.clone();
        for member in schemas[name]["properties"].as_object().unwrap().keys() {
            if document.get(member).is_none() {
                document[member] = Value::Null;
            }
        }
        let text = app
            .admin()
            .put(&format!("{path}?dry_run=true"), &document)
            .await
            .text;
        assert!(!text.contains("unknown member"), "{text}");
    }
    let binding = schemas["HttpBinding"]["properties"].as_object().unwrap();
    let mut document = super::v1_tool();
    for member in binding.keys() {
        if document["tds_ext_info"].get(member).is_none() {
            document["tds_ext_info"][member] = json!(null);
        }
    }
    let text = app.admin().put("/admin/tds/x?dry_run=true", &document).await.text;
    assert!(!text.contains("unknown member"), "{text}");
}

#[tokio::test]
async fn the_page_is_complete_and_takes_nothing_from_elsewhere() {
    let app = TestApp::start().await;
    let page = app.anonymous().get("/admin/docs").await;
    assert_eq!(page.status, 200);
    assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
    let policy = page.header("content-security-policy").unwrap();
    assert!(
        policy.contains("default-src 'none'") && !policy.contains("unsafe"),
        "{policy}"
    );
    // What it needs is beside it; nothing of it is inline.
    let needed = page.text.split(['"']).filter(|part| part.starts_with("docs/"));
    let needed: Vec<&str> = needed.collect();
    assert_eq!(needed, ["docs/docs.css", "docs/docs.js"]);
    for asset in needed {
        let asset = app.anonymous().get(&format!("/admin/{asset}")).await;
        assert_eq!(asset.status, 200);
        assert!(!asset.text.contains("http://") && !asset.text.contains("https://"));
    }
    for inline in ["<style", " style=", " onclick", "<script>", "https://", "http://"] {
        assert!(!page.text.contains(inline), "{inline}");
    }
}

#[tokio::test]
async fn editors_get_the_schemas_without_a_key() {
    let app = TestApp::start().await;
    for (file, id) in [
        ("tds.json", "urn:dynmcp:schema:tds"),
        ("ids.json", "urn:dynmcp:schema:ids"),
        ("uds.json", "urn:dynmcp:schema:uds"),
        ("keys.json", "urn:dynmcp:schema:keys"),
        ("tds.json?strict=true", "urn:dynmcp:schema:tds"),
    ] {
        let answer = app.anonymous().get(&format!("/admin/schema/{file}")).await;
        assert_eq!(
            (answer.status, answer.header("content-type")),
            (200, Some("application/schema+json"))
        );
        let schema = answer.json();
        assert_eq!(schema["$id"], id);
        assert!(
            schema["properties"]["name"]["description"].is_string(),
            "{schema}"
        );
        let is_closed = schema["additionalProperties"] == false;
        // What nobody knows of an upstream or a key might have been a restriction.
        let refuses_unknown = file.contains("strict") || file.starts_with("uds") || file.starts_with("keys");
        assert_eq!(is_closed, refuses_unknown, "{schema}");
    }
    let file = app.anonymous().get("/admin/schema/file.json").await.ok().json();
    assert!(file["$defs"]["Tool"]["properties"]["kind"].is_object(), "{file}");
    let other = app.anonymous().get("/admin/schema/xds.json").await;
    assert_eq!(other.status, 404);
    assert!(other.text.contains("/admin/schema/tds.json"), "{}", other.text);
}
