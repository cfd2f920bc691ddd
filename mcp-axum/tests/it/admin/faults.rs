//! When the data source does not do what it should.

use super::{faulty::INTERNALS, v1_tool};
use crate::test_app::{Answer, TestApp};
use reqwest::Method;
use serde_json::json;

async fn all(app: &TestApp, id: &str) -> [Answer; 3] {
    let admin = app.admin();
    let path = format!("/admin/tds/{id}");
    [
        admin.put(&path, &v1_tool()).await,
        admin.delete(&path).await,
        admin.get(&format!("{path}/history")).await,
    ]
}

#[tokio::test]
async fn each_fault_has_its_status_and_tells_no_internals() {
    let app = TestApp::with(&[("app.data_source", "faulty")]).await;
    for (id, status) in [
        ("unavailable", 503),
        ("in-doubt", 503),
        ("broken", 500),
        ("panic", 500),
        ("full", 507),
        ("read-only", 405),
        ("large", 413),
    ] {
        for answer in all(&app, id).await {
            assert!(
                !answer.text.contains(INTERNALS) && !answer.text.contains("hunter2"),
                "{}",
                answer.text
            );
            match status {
                503 => assert_eq!(answer.header("retry-after"), Some("1")),
                405 => assert!(answer.header("allow").is_some_and(|allow| allow.contains("GET"))),
                _ => {}
            }
            answer.error(status);
        }
    }
    // And the gateway goes on.
    app.admin().get("/admin/status").await.ok();
}

#[tokio::test]
async fn the_same_holds_for_changes_that_are_applied_together() {
    let app = TestApp::with(&[("app.data_source", "faulty")]).await;
    for (id, status, told) in [
        ("unavailable", 503, "cannot be reached"),
        ("in-doubt", 503, "did not say whether this was stored"),
        ("broken", 500, "log has the cause"),
        ("full", 507, "no space"),
        ("large", 413, "10"),
    ] {
        let wanted = json!({"definitions": [{"kind": "tds", "id": id, "document": v1_tool()}]});
        let admin = app.admin();
        let answer = admin
            .send(admin.request(Method::POST, "/admin/apply").json(&wanted))
            .await;
        if status == 503 {
            assert_eq!(answer.header("retry-after"), Some("1"));
        }
        let text = answer.error(status);
        assert!(
            text.contains("0 of 1 changes were written") && text.contains(told) && !text.contains(INTERNALS),
            "{text}"
        );
    }
}

#[tokio::test]
async fn a_write_that_does_not_arrive_is_a_success_with_a_warning() {
    let app = TestApp::with(&[("app.data_source", "faulty")]).await;
    let admin = app.admin();
    let document = v1_tool();
    let delete = admin.send(admin.request(Method::DELETE, "/admin/tds/other"));
    let (put, delete) = tokio::join!(admin.put("/admin/tds/slow", &document), delete);
    for answer in [put.ok(), delete.ok()] {
        assert_eq!(answer.revision(), 99);
        let warnings = answer.warnings().concat();
        assert!(
            warnings.contains("revision 99 is stored, but did not reach this replica"),
            "{warnings}"
        );
    }
}

#[tokio::test]
async fn before_everything_is_loaded_definitions_are_neither_shown_nor_written() {
    let app = TestApp::unready(&[("app.data_source", "loading")]).await;
    let admin = app.admin();
    for answer in [
        admin.get("/admin/tds").await,
        admin.get("/admin/ids/x").await,
        admin.get("/admin/quarantine").await,
        admin.put("/admin/tds/x", &v1_tool()).await,
        admin.delete("/admin/tds/x").await,
    ] {
        assert_eq!(answer.header("retry-after"), Some("1"));
        assert!(answer.error(503).contains("loaded"));
    }
    let status = admin.get("/admin/status").await.data();
    assert_eq!(
        (&status["ready"], &status["stale"]),
        (&false.into(), &true.into())
    );
    app.anonymous().get("/admin/tds").await.error(401);
    admin.get("/admin/nowhere").await.error(404);
}
