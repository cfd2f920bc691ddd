//! When keys were used, from one start to the next.

use super::{create, status};
use crate::test_app::{TestApp, eventually};
use serde_json::{Value, json};
use std::{fs, path::PathBuf};

async fn usage(app: &TestApp, id: &str) -> Value {
    app.admin().get(&format!("/admin/keys/{id}/usage")).await.data()
}

fn file(app: &TestApp) -> PathBuf {
    app.directory().join("key-usage.json")
}

#[tokio::test]
async fn a_restart_forgets_neither_when_a_key_was_used_nor_how_often() {
    let mut app = TestApp::sqlite().await;
    app.with_item_tools("desk").await;
    let (used, key) = create(&app, json!({"instances": ["desk"]})).await;
    let (idle, _) = create(&app, json!({"instances": ["desk"]})).await;
    let (gone, other) = create(&app, json!({"instances": ["desk"]})).await;
    for key in [&key, &key, &other] {
        assert_eq!(status(&app, key, "desk").await, 200);
    }
    app.admin().delete(&format!("/admin/keys/{gone}")).await.ok();
    let before = usage(&app, &used).await;
    assert_eq!(before["requests"], 2, "{before}");
    let revision = app.admin().get("/admin/status").await.data()["revision"].clone();
    app.restart().await;
    assert_eq!(usage(&app, &used).await, before);
    let never = usage(&app, &idle).await;
    assert_eq!(
        (&never["requests"], &never["last_used_at"]),
        (&json!(0), &Value::Null)
    );
    // Using a key is no change, and what is kept of it stands in no export.
    let now = app.admin().get("/admin/status").await.data()["revision"].clone();
    assert_eq!(now, revision);
    let exported = app.admin().get("/admin/export").await.ok().text;
    assert!(!exported.contains("last_used"), "{exported}");
    let kept = fs::read_to_string(file(&app)).unwrap();
    assert!(
        kept.contains(&used) && !kept.contains(&idle) && !kept.contains(&gone),
        "{kept}"
    );
    assert_eq!(status(&app, &key, "desk").await, 200);
    let after = usage(&app, &used).await;
    assert_eq!(
        (&after["requests"], &after["since"]),
        (&json!(3), &before["since"])
    );
    assert!(
        after["last_used_at"].as_str() > before["last_used_at"].as_str(),
        "{after}"
    );
}

#[tokio::test]
async fn a_file_that_cannot_be_read_costs_nothing_but_what_it_said() {
    let mut app = TestApp::sqlite().await;
    app.with_item_tools("desk").await;
    let (id, key) = create(&app, json!({"instances": ["desk"]})).await;
    assert_eq!(status(&app, &key, "desk").await, 200);
    app.stop().await;
    fs::write(file(&app), "{\"since\": ").unwrap();
    app.start_again().await;
    eventually("it is loaded", || app.app().catalog.loaded()).await;
    assert_eq!(usage(&app, &id).await["requests"], 0);
    assert_eq!(status(&app, &key, "desk").await, 200);
    app.restart().await;
    assert_eq!(
        usage(&app, &id).await["requests"],
        1,
        "the next writing takes its place"
    );
}
