//! `tds_ext_info.egress`: where the calls of one definition may lead.

use crate::test_app::TestApp;
use axum::{Router, response::Redirect, routing::get};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::net::TcpListener;

fn tool(domain: &str, egress: &Value) -> Value {
    json!({"name": "t", "description": "Test tool.", "tds_ext_info": {
        "domain": domain, "method": "GET", "path": "/", "egress": egress,
        "redirect": {"follow": 1, "same_origin_only": false}
    }})
}

#[tokio::test]
async fn a_redirect_out_of_the_lists_ends_the_call_and_explain_shows_them() {
    let app = TestApp::start().await;
    let target = app.upstream().await;
    let to = target.origin();
    let router = Router::new().route("/", get(move || async move { Redirect::temporary(&to) }));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let domain = format!("http://localhost:{}", listener.local_addr().unwrap().port());
    tokio::spawn(async move { axum::serve(listener, router).await });

    let admin = app.admin();
    let closed = tool(&domain, &json!({"allow": ["localhost"], "deny": ["10.0.0.0/8"]}));
    admin.put("/admin/tds/t", &closed).await.ok();
    app.put_instance("i", &["t"]).await;
    let result = app.mcp("i").call("t", json!({})).await;
    assert_eq!(result["isError"], true, "{result}");
    let reason = "`egress.allow` of the definition does not name it";
    let expected = format!("{} is not called: 127.0.0.1: {reason}.", target.address());
    assert_eq!(result["content"][0]["text"], expected);
    assert!(target.requests().is_empty(), "{:?}", target.requests());
    let request = admin.request(Method::POST, "/admin/tds/t/explain");
    let egress = admin.send(request.body("{}")).await.data()["egress"].clone();
    assert_eq!(egress["allowed"], true, "{egress}");
    assert_eq!(
        egress["own"],
        json!({"allow": ["localhost"], "deny": ["10.0.0.0/8"]})
    );

    // As soon as the definition says so, it leads there.
    let open = tool(&domain, &json!({"allow": ["localhost", "127.0.0.1"]}));
    admin.put("/admin/tds/t", &open).await.ok();
    let result = app.mcp("i").call("t", json!({})).await;
    assert_ne!(result["isError"], true, "{result}");
    assert_eq!(target.requests().len(), 1);
}

#[tokio::test]
async fn lists_that_cannot_be_right_are_refused_with_their_place() {
    let app = TestApp::start().await;
    for (egress, expected) in [
        (
            json!({"deny": ["a.example", "10.0.0.0/64"]}),
            "tds_ext_info.egress.deny[1]: `10.0.0.0/64` is no rule",
        ),
        (
            json!({"alow": ["a.example"]}),
            "tds_ext_info.egress.alow: unknown field",
        ),
        (
            json!({"allow": ["a.example"]}),
            "tds_ext_info.domain: `b.example` would never be called: `egress.allow`",
        ),
    ] {
        let answer = app.admin().put("/admin/tds/t", &tool("b.example", &egress)).await;
        let message = answer.error(400);
        assert!(message.contains(expected), "{message}");
    }
}
