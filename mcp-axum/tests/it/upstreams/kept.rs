//! What upstreams offered last is listed after a restart, before they are there again.

use super::{ready, script, state, tool};
use crate::test_app::{TestApp, eventually};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// A gateway with a store, whose program ends at once while a file is there.
async fn start() -> (TestApp, PathBuf) {
    let app = TestApp::with(&[("app.data_source", "sqlite"), ("stdio.allow", "sh")]).await;
    let (tools, away) = (app.directory().join("tools.json"), app.directory().join("away"));
    std::fs::write(&tools, json!([tool("first"), tool("second")]).to_string()).unwrap();
    let script = format!(
        "[ -e {} ] && exit 1\n{}",
        away.display(),
        script(tools.to_str().unwrap())
    );
    let document = json!({"command": "sh", "args": ["-c", script]});
    app.admin().put("/admin/uds/sh", &document).await.ok();
    let instance = json!({"name": "i", "include": {"upstreams": ["sh"]}});
    app.admin().put("/admin/ids/i", &instance).await.ok();
    ready(&app, "sh").await;
    let file = kept(&app);
    eventually("the inventory is kept", || file.exists()).await;
    (app, away)
}

fn kept(app: &TestApp) -> PathBuf {
    app.directory().join("inventories/sh.inventory")
}

async fn call(app: &TestApp) -> Value {
    app.mcp("i").call("first", json!({})).await
}

#[tokio::test]
async fn lists_are_right_at_once_while_the_upstream_is_away() {
    let (mut app, away) = start().await;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        let file = kept(&app);
        assert_eq!((mode(&file), mode(file.parent().unwrap())), (0o600, 0o700));
    }
    std::fs::write(&away, "").unwrap();
    app.restart().await;
    assert_eq!(app.mcp("i").tool_names().await, ["first", "second"]);
    let result = call(&app).await;
    assert_eq!(result["isError"], true);
    let text = result["content"][0]["text"].as_str().unwrap();
    assert!(
        text.contains("`sh` did not do it: it is not connected: "),
        "{text}"
    );
    let asked = |app: &TestApp| {
        let series = r#"dynmcp_tool_upstream_duration_seconds_count{mcp_instance="i",tool="first"} "#;
        let text = app.metrics();
        text.lines()
            .find_map(|line| line.strip_prefix(series))
            .map(str::to_owned)
    };
    assert_eq!(asked(&app), None, "nothing was sent");
    let known = state(&app, "sh").await;
    assert_eq!(
        (&known["tools"], &known["protocol"]),
        (&json!(2), &json!("2025-11-25"))
    );
    std::fs::remove_file(&away).unwrap();
    let restart = app
        .admin()
        .request(reqwest::Method::POST, "/admin/uds/sh/restart");
    app.admin().send(restart).await.ok();
    assert_eq!(call(&app).await["isError"], Value::Null);
    assert_eq!(asked(&app).as_deref(), Some("1"));
}

#[tokio::test]
async fn what_cannot_be_used_is_not() {
    let (mut app, away) = start().await;
    let whole = std::fs::read(kept(&app)).unwrap();
    std::fs::write(&away, "").unwrap();
    let mut changed = whole.clone();
    changed[100] ^= 1;
    for damaged in [
        changed,
        whole[..whole.len() / 2].to_vec(),
        b"{}".to_vec(),
        Vec::new(),
    ] {
        std::fs::write(kept(&app), damaged).unwrap();
        app.restart().await;
        assert_eq!(app.mcp("i").tool_names().await, Vec::<String>::new());
    }
    // Another server behind the same id offers something else.
    std::fs::write(kept(&app), &whole).unwrap();
    app.restart().await;
    assert_eq!(app.mcp("i").tool_names().await, ["first", "second"]);
    let nowhere = json!({"url": "http://127.0.0.1:9/mcp"});
    app.admin().put("/admin/uds/sh", &nowhere).await.ok();
    app.restart().await;
    assert_eq!(app.mcp("i").tool_names().await, Vec::<String>::new());
}

#[tokio::test]
async fn nothing_is_kept_of_what_is_no_upstream_any_more() {
    let (app, _away) = start().await;
    app.admin().delete("/admin/uds/sh").await.ok();
    let file = kept(&app);
    eventually("it is gone", || !file.exists()).await;

    let forgetful = TestApp::with(&[("stdio.allow", "sh")]).await;
    let tools = forgetful.directory().join("tools.json");
    std::fs::write(&tools, json!([tool("first")]).to_string()).unwrap();
    let document = json!({"command": "sh", "args": ["-c", script(tools.to_str().unwrap())]});
    forgetful.admin().put("/admin/uds/sh", &document).await.ok();
    ready(&forgetful, "sh").await;
    let folder: &Path = forgetful.directory();
    assert!(
        !folder.join("inventories").exists(),
        "a gateway whose definitions are in memory keeps nothing"
    );
}

#[tokio::test]
async fn what_was_approved_is_kept_and_what_was_not_finished_is_cleared_away() {
    let (mut app, _away) = start().await;
    let approve = app
        .admin()
        .request(reqwest::Method::POST, "/admin/uds/sh/approve");
    app.admin()
        .send(approve.json(&json!({"mode": "warn"})))
        .await
        .ok();
    let folder = kept(&app).parent().unwrap().to_owned();
    let unfinished = folder.join("sh.12345.tmp");
    std::fs::write(&unfinished, "half").unwrap();
    let tools = app.directory().join("tools.json");
    let other = json!({"name": "first", "description": "Another one.", "inputSchema": {"type": "object"}});
    app.stop().await;
    std::fs::write(&tools, json!([other, tool("second")]).to_string()).unwrap();
    app.start_again().await;
    assert!(!unfinished.exists());
    ready(&app, "sh").await;
    let drift = app.admin().get("/admin/uds/sh/drift").await.data();
    // Where it differs is known only to who has seen what was approved, which was after the last change of the list.
    assert_eq!(drift[0]["changes"][0]["pointer"], "/description", "{drift}");
}
