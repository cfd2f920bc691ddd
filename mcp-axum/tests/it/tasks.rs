//! Background tasks that panic: each is started again, that is seen, and what it is for goes on.

use crate::{
    event_stream::EventStream,
    test_app::{Client, McpClient, TestApp, eventually},
};
use mcp_common::{key::Key, tasks::TaskReport};
use reqwest::Method;
use serde_json::json;

fn report(app: &TestApp, name: &str) -> TaskReport {
    let report = app.app().tasks.report();
    let names: Vec<_> = report.iter().map(|task| task.name).collect();
    let found = report.iter().find(|task| task.name == name).copied();
    found.unwrap_or_else(|| panic!("no {name} among {names:?}"))
}

/// Lets it panic, and waits until it runs again and all doors say so.
async fn panics_and_comes_back(name: &'static str) -> TestApp {
    let app = TestApp::with(&[("app.data_source", "sqlite"), ("audit.enabled", "true")]).await;
    app.with_item_tools("shop").await;
    eventually("it runs", || report(&app, name).running > 0).await;
    let running = report(&app, name).running;
    app.anonymous().get("/readyz?strict").await.ok();
    app.app().tasks.make_panic(name);
    eventually("it was started again", || {
        let report = report(&app, name);
        report.restarts > 0 && report.running == running
    })
    .await;
    let restarts = report(&app, name).restarts;
    let strict = app.anonymous().get("/readyz?strict").await.error(503);
    assert!(
        strict.contains(&format!("`{name}`")) || strict.contains("data source"),
        "{strict}"
    );
    app.anonymous().get("/readyz").await.ok();
    let status = app.admin().get("/admin/status").await.data();
    let row = json!({"name": name, "running": running, "restarts": restarts, "in_trouble": true});
    assert!(status["tasks"].as_array().unwrap().contains(&row), "{status}");
    let metrics = app.metrics();
    let counted = format!("dynmcp_task_restarts_total{{task=\"{name}\"}} {restarts}\n");
    assert!(metrics.contains(&counted), "{metrics}");
    app
}

#[tokio::test]
async fn sync() {
    let app = panics_and_comes_back("sync").await;
    let instance = json!({"name": "later", "tool_ids": ["get_item"]});
    app.store(Key::instance("later"), &instance.to_string()).await;
    assert_eq!(app.mcp("later").tool_names().await, ["get_item"]);
}

#[tokio::test]
async fn announce() {
    let app = panics_and_comes_back("announce").await;
    let stream = app
        .user()
        .request(Method::GET, "/mcp/shop")
        .header("mcp-protocol-version", "2025-06-18")
        .header("accept", "text/event-stream");
    let mut stream = EventStream::open(stream).await;
    app.put_instance("shop", &["get_item"]).await;
    let changed = stream.next().await.unwrap();
    assert_eq!(changed["method"], "notifications/tools/list_changed");
}

#[tokio::test]
async fn snapshot() {
    let mut app = panics_and_comes_back("snapshot").await;
    app.put_instance("last", &["get_item"]).await;
    app.stop().await;
    let kept = std::fs::read_to_string(app.directory().join("definitions.snapshot")).unwrap();
    assert!(kept.contains("\"last\""), "{kept}");
}

#[tokio::test]
async fn audit() {
    let mut app = panics_and_comes_back("audit").await;
    app.mcp("shop").call("get_item", json!({"id": 7})).await;
    app.stop().await;
    let folder = std::fs::read_dir(app.directory().join("audit")).unwrap();
    let kept = folder.map(|entry| std::fs::read_to_string(entry.unwrap().path()).unwrap());
    let kept: String = kept.collect();
    assert!(
        kept.contains("\"get_item\"") && kept.contains("\"event\":\"stop\""),
        "{kept}"
    );
}

#[tokio::test]
async fn control_beat() {
    let app = panics_and_comes_back("control_beat").await;
    let control = |app: &TestApp| {
        let all = app.app().vitals.all();
        all.into_iter()
            .find(|vital| vital.name() == "the control plane")
            .unwrap()
    };
    let before = control(&app).silence();
    eventually("a sign of life", || control(&app).silence() <= before).await;
}

#[tokio::test]
async fn accept() {
    let app = panics_and_comes_back("accept").await;
    for _ in 0..3 {
        app.anonymous().get("/healthz").await.ok();
    }
}

#[tokio::test]
async fn watchdog_and_worker() {
    let app = panics_and_comes_back("watchdog").await;
    // Who starts another one is the watchdog.
    app.app().tasks.make_panic("worker");
    eventually("others in their places", || {
        let report = report(&app, "worker");
        report.restarts == 2 && report.running == 2
    })
    .await;
    app.mcp("shop").call("get_item", json!({"id": 7})).await;
}

#[tokio::test]
async fn work() {
    let app = TestApp::start().await;
    let upstream = app.with_item_tools("shop").await;
    let client = app.mcp("shop");
    // Too long to be looked at where others are served.
    let long = json!({"name": "x".repeat(100_000)});
    client.call("add_item", long.clone()).await;
    app.app().tasks.make_panic("work");
    let sent = upstream.requests().len();
    let failed = client.call("add_item", long.clone()).await;
    assert_eq!(failed["isError"], true, "{failed}");
    assert_eq!(upstream.requests().len(), sent);
    // The client is told first.
    eventually("it is noted", || report(&app, "work").restarts == 1).await;
    let work = report(&app, "work");
    assert!(work.running > 0 && work.in_trouble, "{work:?}");
    let strict = app.anonymous().get("/readyz?strict").await.error(503);
    assert!(strict.contains("`work`"), "{strict}");
    client.call("add_item", long).await;
    assert_eq!(upstream.requests().len(), sent + 1);
    assert_eq!(report(&app, "work").restarts, 1);
}

#[tokio::test]
async fn all_of_them_end_with_the_gateway() {
    let mut app = TestApp::sqlite().await;
    app.with_item_tools("shop").await;
    // A thread for work, too.
    let long = json!({"name": "x".repeat(100_000)});
    app.mcp("shop").call("add_item", long).await;
    assert!(report(&app, "work").running > 0);
    let tasks = app.app().tasks.clone();
    app.stop().await;
    let wait = || {
        let running = tasks.report().into_iter().filter(|task| task.running > 0);
        running.map(|task| task.name).collect::<Vec<_>>()
    };
    // Threads have given their reports by now, and end.
    eventually("nothing runs", || wait().is_empty()).await;
}

#[tokio::test]
async fn endpoint_probes() {
    let app = panics_and_comes_back("endpoint_probes").await;
    let upstream = crate::test_app::Upstream::start().await;
    let health = json!({"enabled": true, "interval_seconds": 1});
    let document = json!({"protocol": "http", "url": upstream.origin(), "health": health});
    app.admin().put("/admin/uds/u", &document).await.ok();
    eventually("it is probed", || !upstream.requests().is_empty()).await;
}

#[tokio::test]
async fn key_usage() {
    let mut app = panics_and_comes_back("key_usage").await;
    let admin = app.admin();
    let made = admin
        .request(Method::POST, "/admin/keys")
        .json(&json!({"instances": ["shop"]}));
    let made = admin.send(made).await.ok().data();
    let (id, key) = (made["id"].as_str().unwrap(), made["key"].as_str().unwrap());
    let holder = Client::new(app.address(), Some(key.to_owned()));
    McpClient::new(holder, "shop").tool_names().await;
    app.restart().await;
    let usage = app.admin().get(&format!("/admin/keys/{id}/usage")).await.data();
    assert_eq!(usage["requests"], 1, "{usage}");
}
