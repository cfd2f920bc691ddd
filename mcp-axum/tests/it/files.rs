//! A gateway on a folder of files.

use crate::test_app::{TestApp, eventually};
use serde_json::json;
use tempfile::TempDir;

const TOOL: &str = "id: weather\nname: weather\ndescription: The weather.\ninput_schema: {}\n\
    tds_ext_info: {domain: api.example.com, method: GET, path: /weather}\n";

async fn on(folder: &TempDir, writable: &str) -> TestApp {
    TestApp::with(&[
        ("app.data_source", "file"),
        ("data_source.file.path", folder.path().to_str().unwrap()),
        ("data_source.file.writable", writable),
    ])
    .await
}

#[tokio::test]
async fn edits_are_live_and_a_broken_file_is_in_the_quarantine() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("weather.yaml");
    std::fs::write(&file, TOOL).unwrap();
    let app = on(&folder, "false").await;
    let shown = app.admin().get("/admin/tds/weather").await.ok().json();
    assert_eq!(shown["data"]["name"], "weather");

    std::fs::write(&file, format!("{TOOL}---\nname: i\nid: i\ntool_ids: [weather]\n")).unwrap();
    eventually("the instance is live", || {
        app.app().catalog.snapshot().instances.contains_key("i")
    })
    .await;
    assert_eq!(app.mcp("i").tool_names().await, ["weather"]);

    std::fs::write(&file, format!("{TOOL}tags: [\n")).unwrap();
    eventually("the fault is seen", || {
        !app.app().catalog.snapshot().quarantine.is_empty()
    })
    .await;
    let quarantine = app.admin().get("/admin/quarantine").await.data();
    let place = quarantine[0]["id"].as_str().unwrap();
    assert!(
        place.ends_with("weather.yaml:7") || place.ends_with("weather.yaml:6"),
        "{quarantine}"
    );
    assert_eq!(
        app.mcp("i").tool_names().await,
        ["weather"],
        "what was good is served"
    );
    std::fs::write(&file, TOOL).unwrap();
    eventually("the repair is seen", || {
        app.app().catalog.snapshot().quarantine.is_empty()
    })
    .await;
}

#[tokio::test]
async fn the_admin_api_writes_only_where_it_may() {
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("weather.yaml"), TOOL).unwrap();
    let instance = json!({"name": "i", "tool_ids": ["weather"]});
    let app = on(&folder, "false").await;
    let refused = app.admin().put("/admin/ids/i", &instance).await;
    assert_eq!(refused.header("allow"), Some("GET, HEAD"));
    assert!(refused.error(405).contains("data_source.file.writable"));
    drop(app);

    let mut app = on(&folder, "true").await;
    app.admin().put("/admin/ids/i", &instance).await.ok();
    let refused = app.admin().delete("/admin/tds/weather").await.error(405);
    assert!(
        refused.contains("weather.yaml:1, which the gateway does not write"),
        "{refused}"
    );
    app.restart().await;
    assert_eq!(app.mcp("i").tool_names().await, ["weather"]);
    app.admin().delete("/admin/ids/i").await.ok();
    assert!(!folder.path().join("admin/ids/i.json").exists());
}
