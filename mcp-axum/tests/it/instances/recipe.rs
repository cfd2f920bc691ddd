//! The recipe of `docs/DEFINITIONS.md`: one tool in two instances.

use crate::test_app::{TestApp, Upstream};
use serde_json::json;
use std::{fs, path::PathBuf};
use tempfile::TempDir;

/// A gateway on the recipe's file, which is led to an upstream of the test.
async fn on_the_recipe(upstream: &Upstream) -> (TestApp, TempDir) {
    let recipe = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../examples/definitions/regions.yaml");
    let text = fs::read_to_string(recipe).unwrap();
    let folder = TempDir::new().unwrap();
    let here = text.replace("https://api.example.com", &upstream.origin());
    assert_ne!(here, text);
    fs::write(folder.path().join("regions.yaml"), here).unwrap();
    let app = TestApp::with(&[
        ("app.data_source", "file"),
        ("data_source.file.path", folder.path().to_str().unwrap()),
    ])
    .await;
    (app, folder)
}

#[tokio::test]
async fn one_tool_is_another_one_in_each_instance() {
    let upstream = Upstream::start().await;
    let (app, _folder) = on_the_recipe(&upstream).await;

    let europe = super::listed(&app, "orders-eu").await;
    assert_eq!(
        europe,
        json!({"type": "object", "required": ["customer"], "additionalProperties": false, "properties": {
            "customer": {"type": "string", "description": "A part of the customer's name."},
            "limit": {"type": "integer", "minimum": 1, "maximum": 100, "default": 5}}})
    );
    let world = super::listed(&app, "orders-world").await;
    assert_eq!(world["required"], json!(["customer"]));
    assert_eq!(world["properties"]["region"]["default"], "us");

    let seen = |of: &Upstream| {
        let request = of.last();
        let header = |name: &str| request.headers[name].to_str().unwrap().to_owned();
        (
            format!("{}?{}", request.path, request.query.clone().unwrap_or_default()),
            header("x-cost-centre"),
            header("x-asked-by"),
        )
    };
    let expected = |line: &str, centre: &str, by: &str| (line.to_owned(), centre.to_owned(), by.to_owned());
    let result = app
        .mcp("orders-eu")
        .call("find_orders", json!({"customer": "ada"}))
        .await;
    assert_eq!(result["isError"], false, "{result}");
    assert_eq!(
        seen(&upstream),
        expected("/eu/orders?customer=ada&limit=5", "EU-17", "orders-eu")
    );
    app.mcp("orders-eu")
        .call("find_orders", json!({"customer": "ada", "limit": 7}))
        .await;
    assert_eq!(seen(&upstream).0, "/eu/orders?customer=ada&limit=7");
    app.mcp("orders-world")
        .call("find_orders_anywhere", json!({"customer": "ada"}))
        .await;
    assert_eq!(
        seen(&upstream),
        expected("/us/orders?customer=ada", "HQ", "orders-world")
    );
    app.mcp("orders-world")
        .call("find_orders_anywhere", json!({"customer": "ada", "region": "eu"}))
        .await;
    assert_eq!(seen(&upstream).0, "/eu/orders?customer=ada");

    let asked = upstream.requests().len();
    let refused = app
        .mcp("orders-eu")
        .call("find_orders", json!({"customer": "ada", "region": "us"}))
        .await;
    assert_eq!(refused["isError"], true);
    let text = refused["content"][0]["text"].as_str().unwrap();
    assert!(text.contains("'region' was unexpected"), "{text}");
    assert_eq!(upstream.requests().len(), asked, "nothing was sent");
}
