//! Tools that call their own gateway.

use crate::test_app::TestApp;
use reqwest::Method;
use serde_json::{Value, json};

/// A tool that posts its arguments to an instance of this address.
fn caller_of(address: &str, key: &str) -> Value {
    json!({"name": "again", "description": "Calls a gateway.", "tds_ext_info": {
        "domain": address, "method": "POST", "path": "/mcp/i", "headers": {"X-Api-Key": key}
    }})
}

fn message(method: &str, params: Value) -> Value {
    json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
}

/// `tools/call` of `again` around `inner`, so many times.
fn nested(times: usize, inner: Value) -> Value {
    (0..times).fold(inner, |inner, _| {
        message("tools/call", json!({"name": "again", "arguments": inner}))
    })
}

async fn metric(app: &TestApp, line: &str) -> String {
    let metrics = app.admin().get("/metrics").await.ok().text;
    let found = metrics.lines().find(|found| found.starts_with(line));
    found.unwrap_or_default().to_owned()
}

#[tokio::test]
async fn a_tool_that_calls_its_own_gateway_is_told_so() {
    let app = TestApp::start().await;
    let tool = caller_of(&app.url(""), app.user_key());
    app.admin().put("/admin/tds/again", &tool).await.ok();
    app.put_instance("i", &["again"]).await;
    let arguments = nested(3, message("tools/list", json!({})));
    let result = app.mcp("i").call("again", arguments).await;
    assert_eq!(result["isError"], true, "{result}");
    let text = result["content"][0]["text"].as_str().unwrap();
    assert!(text.contains("508") && text.contains("Loop detected"), "{text}");
    assert_eq!(
        metric(&app, "dynmcp_mcp_requests_total{method=\"loop\"").await,
        "dynmcp_mcp_requests_total{method=\"loop\",result=\"error\"} 1"
    );
    let explained = app.admin().request(Method::POST, "/admin/tds/again/explain");
    let explained = app.admin().send(explained.body("{}")).await.data();
    let curl = explained["curl"]["line"].as_str().unwrap();
    assert!(curl.contains("-H 'Via: 1.1 dynmcp-"), "{curl}");
}

#[tokio::test]
async fn replicas_that_do_not_know_each_other_stop_after_a_few_gateways() {
    // Each calls the next one; the last one calls the first.
    let apps = [
        TestApp::start().await,
        TestApp::start().await,
        TestApp::start().await,
    ];
    for (place, app) in apps.iter().enumerate() {
        let next = &apps[(place + 1) % apps.len()];
        let tool = caller_of(&next.url(""), next.user_key());
        app.admin().put("/admin/tds/again", &tool).await.ok();
        app.put_instance("i", &["again"]).await;
    }
    let arguments = nested(20, message("tools/list", json!({})));
    let result = apps[0].mcp("i").call("again", arguments).await;
    assert!(
        result
            .to_string()
            .contains("Loop detected: this request left this gateway before"),
        "{result}"
    );
    let mut asked = 0;
    for app in &apps {
        let line = metric(app, "dynmcp_mcp_requests_total{method=\"tools/call\"").await;
        asked += line.rsplit(' ').next().unwrap_or_default().parse().unwrap_or(0);
    }
    assert_eq!(asked, 3, "one call each");
}

#[tokio::test]
async fn what_passed_too_many_gateways_is_refused_at_every_door() {
    let app = TestApp::with(&[("upstream.via", "tools-eu"), ("upstream.max_gateways", "2")]).await;
    let upstream = app.with_item_tools("i").await;
    let body = message("tools/call", json!({"name": "get_item", "arguments": {"id": 1}})).to_string();
    let send = async |method: Method, path: &str, via: &[&str]| {
        let mut request = app
            .admin()
            .request(method, path)
            .header("content-type", "application/json");
        for line in via {
            request = request.header("via", *line);
        }
        app.admin().send(request.body(body.clone())).await
    };
    for via in [
        &["1.1 proxy, 1.1 dynmcp-tools-eu"][..],
        &["1.1 dynmcp-a", "1.1 dynmcp-b"],
    ] {
        for method in [Method::POST, Method::GET, Method::DELETE] {
            let answer = send(method.clone(), "/mcp/i", via).await.expect(508).json();
            let text = answer["error"]["message"].as_str().unwrap();
            assert!(text.contains("Loop detected"), "{answer}");
            // What is asked for has an id in a POST alone.
            let id = if method == Method::POST {
                json!(1)
            } else {
                Value::Null
            };
            assert_eq!((&answer["jsonrpc"], &answer["id"]), (&json!("2.0"), &id));
        }
        let error = send(Method::GET, "/admin/tds", via).await.error(508);
        assert!(error.contains("Loop detected"), "{error}");
    }
    assert!(upstream.requests().is_empty());
    // Others pass, and what they passed is passed on; nothing of the client's own proxies.
    send(Method::POST, "/mcp/i", &["1.0 proxy.example, 1.1 dynmcp-a"])
        .await
        .ok();
    assert_eq!(
        upstream.last().headers["via"],
        "1.1 dynmcp-a, 1.1 dynmcp-tools-eu"
    );
    send(Method::POST, "/mcp/i", &[]).await.ok();
    assert_eq!(upstream.last().headers["via"], "1.1 dynmcp-tools-eu");
    // A batch that comes through a gateway would multiply.
    let request = app
        .user()
        .request(Method::POST, "/mcp/i")
        .header("content-type", "application/json");
    let request = request
        .header("via", "1.1 dynmcp-a")
        .header("mcp-protocol-version", "2025-03-26");
    let answer = app
        .user()
        .send(request.body(format!("[{body}]")))
        .await
        .expect(400);
    assert!(answer.text.contains("a batch is not served"), "{answer:?}");
}

#[tokio::test]
async fn without_it_upstreams_get_what_the_definition_names_only() {
    let app = TestApp::with(&[("upstream.via", "off")]).await;
    let upstream = app.with_item_tools("i").await;
    app.mcp("i").call("get_item", json!({"id": 1})).await;
    let headers = upstream.last().headers;
    let mut names: Vec<&str> = headers.keys().map(reqwest::header::HeaderName::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, ["accept", "host", "user-agent"]);
}
