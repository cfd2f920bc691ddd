//! The published schemas over what they are for: every recipe is valid, and what an editor marks the gateway refuses.

use super::folder;
use crate::test_app::TestApp;
use jsonschema::Validator;
use mcp_common::key::Kind;
use serde_json::{Value, json};

async fn published(app: &TestApp, file: &str) -> Validator {
    let schema = app
        .anonymous()
        .get(&format!("/admin/schema/{file}"))
        .await
        .ok()
        .json();
    jsonschema::draft202012::new(&schema).unwrap()
}

fn findings(validator: &Validator, document: &Value) -> Vec<String> {
    validator
        .iter_errors(document)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect()
}

#[tokio::test]
async fn each_recipe_is_valid() {
    let app = TestApp::start().await;
    let file = published(&app, "file.json?strict=true").await;
    let mut validated = 0;
    for kind in [Kind::TOOL, Kind::INSTANCE] {
        let of_kind = published(&app, &format!("{}.json?strict=true", kind.path_segment())).await;
        for recipe in folder::recipes() {
            for (id, document) in recipe.documents(kind) {
                for validator in [&of_kind, &file] {
                    let found = findings(validator, document);
                    assert!(found.is_empty(), "{}: {id}: {found:?}", recipe.name);
                    validated += 1;
                }
            }
        }
    }
    assert!(validated > 80, "{validated}");
}

#[tokio::test]
async fn a_file_has_tools_instances_and_lists_of_them() {
    let app = TestApp::start().await;
    let validator = published(&app, "file.json").await;
    let tool = json!({"id": "t", "name": "t", "description": "d", "kind": "tool",
        "tds_ext_info": {"domain": "a.example", "method": "GET", "path": "/"}});
    let instance = json!({"id": "i", "name": "i", "kind": "ids"});
    let bad = json!({"id": "t", "name": "t", "description": "d", "tds_ext_info": {"domain": "a.example", "path": "/"}});
    for (document, is_valid) in [
        (tool.clone(), true),
        (instance.clone(), true),
        (json!([tool, instance]), true),
        (json!({"tds": [tool], "ids": [instance]}), true),
        (json!({"id": "u", "url": "https://a.example/mcp"}), true),
        (
            json!({"uds": [{"id": "u", "command": "uvx", "args": ["x"]}]}),
            true,
        ),
        (json!({"id": "u", "command": "uvx", "sandbx": {}}), false),
        (bad.clone(), false),
        (json!([tool, bad]), false),
        (json!({"tds": [bad]}), false),
        (json!({"tds": [tool], "idz": []}), false),
        (json!({"id": "i", "name": "i", "tool_ids": [7]}), false),
        (json!("text"), false),
    ] {
        assert_eq!(findings(&validator, &document).is_empty(), is_valid, "{document}");
    }
}

/// Mistakes that people make, each with the member that is wrong.
fn mistakes() -> Vec<(Value, &'static str)> {
    let with = |more: Value| {
        let mut tool = json!({"name": "t", "description": "d", "input_schema": {"type": "object"},
            "tds_ext_info": {"domain": "api.example.com", "method": "GET", "path": "/x"}});
        for (name, value) in more.as_object().unwrap() {
            match name.strip_prefix("top.") {
                Some(name) => tool[name] = value.clone(),
                None => tool["tds_ext_info"][name] = value.clone(),
            }
        }
        tool
    };
    let table = [
        (json!({"params": [{"name": "a", "in": "qery"}]}), "in"),
        (
            json!({"params": [{"name": "a", "in": "query", "style": "csv"}]}),
            "style",
        ),
        (
            json!({"params": [{"name": "a", "in": "query", "expload": true}]}),
            "expload",
        ),
        (json!({"params": [{"name": "a"}]}), "in"),
        (json!({"params": {"name": "a", "in": "query"}}), "params"),
        (json!({"timeout_ms": "fast"}), "timeout_ms"),
        (json!({"timeout_ms": 0}), "timeout_ms"),
        (json!({"base_url": "https://a.example"}), "base_url"),
        (json!({"domain": null}), "domain"),
        (json!({"method": "G T"}), "method"),
        (json!({"method": null}), "method"),
        (json!({"headers": {"X-A": ["a"]}}), "X-A"),
        (json!({"query": {"a": {"b": 1}}}), "query"),
        (json!({"body": {"mode": "xml"}}), "mode"),
        (json!({"body": {"parts": [{"name": "f", "form": "/f"}]}}), "form"),
        (
            json!({"auth": {"type": "beaerr", "credential": "${env:A}"}}),
            "auth",
        ),
        (json!({"auth": {"credential": "${env:A}"}}), "type"),
        (
            json!({"auth": {"type": "bearer", "credentail": "${env:A}"}}),
            "credentail",
        ),
        (
            json!({"auth": {"type": "bearer", "credential": "s3cr3t"}}),
            "auth",
        ),
        (json!({"auth": {"type": "basic", "username": "u"}}), "password"),
        (
            json!({"auth": {"type": "basic", "username": "${vault:u}", "password": "${env:A}"}}),
            "auth",
        ),
        (json!({"retry": {"max": 100}}), "max"),
        (json!({"retry": {"max": 1, "on": ["timeout"]}}), "on"),
        (json!({"redirect": {"folow": 1}}), "folow"),
        (
            json!({"limits": {"max_request_bytes": "lots"}}),
            "max_request_bytes",
        ),
        (json!({"tls": {"certificate": "${file:/a}"}}), "key"),
        (json!({"proxy": {"uri": "http://p:1"}}), "uri"),
        (json!({"proxy": 7}), "proxy"),
        (json!({"response": {"jqq": "."}}), "jqq"),
        (json!({"response": {"overflow": "cut"}}), "overflow"),
        (
            json!({"response": {"errors": [{"when": "status == 404"}]}}),
            "message",
        ),
        (json!({"cache": {"ttl_ms": 1}}), "cache"),
        (json!({"top.name": "a b"}), "name"),
        (json!({"top.description": " "}), "description"),
        (json!({"top.tags": "a"}), "tags"),
        (
            json!({"top.input_schema": {"type": "object", "properties": {"a": {"type": "strng"}}}}),
            "strng",
        ),
        (json!({"top.examples": [{"expect": {"stats": 200}}]}), "stats"),
        (json!({"top.examples": [{"mock": {"status": 7}}]}), "status"),
    ];
    table
        .into_iter()
        .map(|(more, member)| (with(more), member))
        .collect()
}

#[tokio::test]
async fn what_an_editor_marks_the_gateway_refuses() {
    let app = TestApp::start().await;
    let (tds, file) = (
        published(&app, "tds.json").await,
        published(&app, "file.json").await,
    );
    for (document, member) in mistakes() {
        for validator in [&tds, &file] {
            let found = findings(validator, &document);
            assert!(!found.is_empty(), "an editor says nothing of {document}");
        }
        let reason = app.admin().put("/admin/tds/t", &document).await.error(400);
        assert!(reason.contains(member), "{member}: {reason}");
    }
    // Members that nobody knows are kept, unless it is said otherwise.
    for place in ["", "/tds_ext_info", "/examples/0"] {
        let mut document = json!({"name": "t", "description": "d", "examples": [{}],
            "tds_ext_info": {"domain": "api.example.com", "method": "GET", "path": "/x"}});
        document.pointer_mut(place).unwrap()["respnse"] = json!({});
        assert!(tds.is_valid(&document));
        app.admin().put("/admin/tds/t", &document).await.ok();
        let strict = published(&app, "tds.json?strict=true").await;
        assert!(!strict.is_valid(&document));
        let reason = app
            .admin()
            .put("/admin/tds/t?strict=true", &document)
            .await
            .error(400);
        assert!(reason.contains("respnse"), "{reason}");
    }
}
