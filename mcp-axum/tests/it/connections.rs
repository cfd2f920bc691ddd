//! The bound of client connections.

use crate::test_app::{Client, TestApp};
use std::time::{Duration, Instant};

/// Idle connections are closed after five seconds while others wait; this is far beyond it.
const PATIENCE: Duration = Duration::from_secs(30);

/// Each has one connection, which it keeps.
async fn full() -> (TestApp, [Client; 2]) {
    let app = TestApp::with(&[("app.max_connections", "2")]).await;
    let clients = [app.admin(), app.admin()];
    for client in &clients {
        client.get("/admin/status").await.ok();
    }
    (app, clients)
}

/// A client of its own for each attempt, so that each is a new connection.
async fn until_served(app: &TestApp) {
    let start = Instant::now();
    loop {
        let answer = app.admin().get("/admin/status").await;
        if answer.status == 200 {
            return;
        }
        answer.expect(503);
        assert!(start.elapsed() < PATIENCE, "nobody made room");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn one_too_many_is_told_so_and_probes_are_answered() {
    let (app, [first, second]) = full().await;
    let refused = app.admin().get("/admin/status").await;
    assert_eq!(refused.header("retry-after"), Some("1"));
    assert_eq!(refused.header("connection"), Some("close"));
    let text = refused.error(503);
    assert!(text.contains("app.max_connections"), "{text}");
    app.anonymous().get("/readyz").await.ok();
    let metrics = app.anonymous().get("/metrics").await.ok().text;
    assert!(
        metrics.contains("dynmcp_connections_refused_total 3\n"),
        "{metrics}"
    );
    // Those who are in go on, and who leaves makes room.
    first.get("/admin/status").await.ok();
    drop(second);
    until_served(&app).await;
}

#[tokio::test]
async fn while_others_wait_idle_connections_are_closed_sooner() {
    let (app, clients) = full().await;
    until_served(&app).await;
    // Who was idle comes back and is served as well.
    for client in &clients {
        let start = Instant::now();
        while client.get("/admin/status").await.status != 200 {
            assert!(start.elapsed() < PATIENCE, "nobody made room");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}
