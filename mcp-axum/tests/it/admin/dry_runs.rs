//! What writes and is only tried: nothing is written, whichever door it is, and a misspelt wish is not ignored.

use super::{instance, tool};
use crate::test_app::TestApp;
use reqwest::Method;
use serde_json::json;

#[tokio::test]
async fn a_dry_run_writes_nothing_at_any_door() {
    let app = TestApp::sqlite().await;
    let admin = app.admin();
    admin.put("/admin/tds/a", &tool("a", "a")).await.ok();
    admin.put("/admin/ids/i", &instance("i", &["a"])).await.ok();

    let dry = admin.delete("/admin/tds/a?dry_run=true").await.ok();
    assert!(dry.json()["revision"].is_null());
    assert!(
        dry.warnings().iter().any(|warning| warning.contains('i')),
        "{:?}",
        dry.warnings()
    );
    admin.get("/admin/tds/a").await.ok();
    assert_eq!(
        admin
            .delete("/admin/tds/missing?dry_run=true")
            .await
            .ok()
            .warnings(),
        [""; 0]
    );

    let wanted = json!({"definitions": [{"kind": "tds", "id": "b", "document": tool("b", "b")}]});
    let apply = |query: &str| {
        let request = admin.request(Method::POST, &format!("/admin/apply{query}"));
        admin.send(request.json(&wanted))
    };
    let report = apply("?dry_run=true").await.ok();
    assert_eq!(report.json()["data"]["created"], json!(["tds/b"]));
    admin.get("/admin/tds/b").await.expect(404);
    apply("").await.ok();
    admin.get("/admin/tds/b").await.ok();
}

#[tokio::test]
async fn a_misspelt_wish_is_refused_before_anything_is_done() {
    let app = TestApp::sqlite().await;
    let admin = app.admin();
    admin.put("/admin/tds/a", &tool("a", "a")).await.ok();
    for (method, path) in [
        (Method::PUT, "/admin/tds/n?dryrun=true"),
        (Method::PUT, "/admin/tds/n?Strict=true"),
        (Method::DELETE, "/admin/tds/a?dry-run=true"),
        (Method::POST, "/admin/apply?dryrun=true"),
        (Method::POST, "/admin/plan?strict=true"),
        (Method::POST, "/admin/keys?dry_run=true"),
        (Method::POST, "/admin/tds/a/rollback?dryrun=true"),
        (Method::POST, "/admin/plan?&strict=true"),
        (Method::POST, "/admin/keys?&&dry_run"),
    ] {
        let request = admin.request(method.clone(), path).json(&tool("n", "n"));
        let reason = admin.send(request).await.error(400);
        let name = path.split(['?', '=']).nth(1).unwrap().trim_start_matches('&');
        assert!(reason.contains(name), "{method} {path}: {reason}");
    }
    admin.get("/admin/tds/a").await.ok();
    admin.get("/admin/tds/n").await.expect(404);
    assert_eq!(admin.get("/admin/keys").await.data(), json!([]));
}

#[tokio::test]
async fn doors_that_try_nothing_refuse_to_be_asked_for_it() {
    let tables = json!([{"type": "registration"}]).to_string();
    let app = TestApp::with(&[("discovery", &*tables)]).await;
    let admin = app.admin();
    let send = async |method: Method, path: &str, name: &str| {
        let body = json!({"name": name, "url": "http://127.0.0.1:9/mcp"});
        admin.send(admin.request(method, path).json(&body)).await
    };
    send(Method::POST, "/api/v1/mcp/servers", "stored")
        .await
        .expect(201);
    send(Method::POST, "/api/register", "registered")
        .await
        .expect(201);
    for (method, path) in [
        (Method::POST, "/api/v1/mcp/servers?dry_run=true"),
        (Method::POST, "/api/v1/mcp/servers?&dry_run"),
        (Method::PUT, "/api/v1/mcp/servers/stored?dry_run=true"),
        (Method::DELETE, "/api/v1/mcp/servers/stored?&dry_run=true"),
        (Method::POST, "/api/register?dry_run=true"),
        (Method::POST, "/api/register?&dry_run=1"),
        (Method::DELETE, "/api/servers/registered?dry_run=true"),
        (Method::POST, "/api/servers/registered/heartbeat?&dry_run"),
    ] {
        let refused = send(method.clone(), path, "other").await.error(400);
        assert!(
            refused.contains("there is no parameter `dry_run`") && refused.contains("nothing was done"),
            "{method} {path}: {refused}"
        );
    }
    // What only reads, and what may say something.
    admin.get("/api/v1/mcp/servers/stored?dry_run=true").await.ok();
    let found = admin.get("/api/discover?tags=").await.ok().json();
    assert_eq!(found["count"], 0);
    let found = admin.get("/api/discover").await.ok().json();
    assert_eq!(
        (&found["count"], &found["servers"][0]["name"]),
        (&json!(1), &json!("registered"))
    );
    assert_eq!(admin.get("/admin/uds").await.data().as_array().unwrap().len(), 1);
}
