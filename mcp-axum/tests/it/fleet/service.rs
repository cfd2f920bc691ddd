//! HTTP services that stand once for a group of tools.

use super::{endpoints, started, status, tool};
use crate::test_app::{TestApp, Upstream, eventually};
use reqwest::Method;
use serde_json::json;

#[tokio::test]
async fn a_tool_joins_when_its_upstream_comes_and_leaves_when_it_goes() {
    let app = TestApp::start().await;
    let upstream = Upstream::start().await;
    let put = app
        .admin()
        .put("/admin/tds/t", &tool("GET", "/orders/{id}"))
        .await;
    let warnings = put.warnings();
    assert!(
        warnings[0]
            .starts_with("tds_ext_info.upstream: there is no upstream `billing` with `protocol: http`"),
        "{warnings:?}"
    );
    app.put_instance("i", &["t"]).await;
    assert!(
        app.mcp("i").tool_names().await.is_empty(),
        "nothing could be called"
    );

    let document = json!({
        "protocol": "http",
        "url": format!("{}/api/v2", upstream.origin()),
        "headers": {"X-Team": "support", "X-Own": "upstream"},
    });
    app.admin().put("/admin/uds/billing", &document).await.ok();
    assert_eq!(app.mcp("i").tool_names().await, ["t"]);
    let result = app.mcp("i").call("t", json!({"id": "a b"})).await;
    assert_eq!(result["isError"], false, "{result}");
    let request = upstream.last();
    assert_eq!(request.path, "/api/v2/orders/a%20b");
    assert_eq!(request.headers["x-team"], "support");
    assert_eq!(request.headers["host"], *upstream.address().to_string());

    app.admin().delete("/admin/uds/billing").await.ok();
    assert!(app.mcp("i").tool_names().await.is_empty());
    let refused = app
        .mcp("i")
        .modern("tools/call", json!({"name": "t", "arguments": {"id": 1}}))
        .await
        .json();
    assert_eq!(
        refused["error"]["code"], -32602,
        "what is not listed cannot be called: {refused}"
    );
}

#[tokio::test]
async fn the_credential_is_the_upstreams_unless_the_tool_has_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let app = TestApp::with(&[("secrets.file_dir", folder.path().to_str().unwrap())]).await;
    let upstream = Upstream::start().await;
    let secret = folder.path().join("key");
    std::fs::write(&secret, "s3cr3t-key").unwrap();
    let reference = format!("${{file:{}}}", secret.display());
    let document = json!({
        "protocol": "http", "url": upstream.origin(),
        "auth": {"type": "bearer", "credential": reference},
        "headers": {"X-Tenant-Key": reference},
    });
    app.admin().put("/admin/uds/billing", &document).await.ok();
    let mut own = tool("GET", "/own");
    own["tds_ext_info"]["auth"] = json!({"type": "api_key", "credential": reference, "name": "X-Key"});
    let mut none = tool("GET", "/none");
    none["tds_ext_info"]["auth"] = json!({"type": "none"});
    none["tds_ext_info"]["headers"] = json!({"X-Tenant-Key": "mine"});
    for (id, mut document) in [("shared", tool("GET", "/shared")), ("own", own), ("none", none)] {
        document["name"] = id.into();
        app.admin().put(&format!("/admin/tds/{id}"), &document).await.ok();
    }
    app.put_instance("i", &["shared", "own", "none"]).await;
    for (id, authorization, key, tenant) in [
        ("shared", Some("Bearer s3cr3t-key"), None, "s3cr3t-key"),
        ("own", None, Some("s3cr3t-key"), "s3cr3t-key"),
        ("none", None, None, "mine"),
    ] {
        let result = app.mcp("i").call(id, json!({})).await;
        assert_eq!(result["isError"], false, "{id}: {result}");
        let request = upstream.last();
        let header = |name: &str| {
            request
                .headers
                .get(name)
                .map(|value| value.to_str().unwrap().to_owned())
        };
        assert_eq!(header("authorization").as_deref(), authorization, "{id}");
        assert_eq!(header("x-key").as_deref(), key, "{id}");
        assert_eq!(header("x-tenant-key").as_deref(), Some(tenant), "{id}");
    }

    let explained = app
        .admin()
        .send(
            app.admin()
                .request(reqwest::Method::POST, "/admin/tds/shared/explain")
                .json(&json!({"arguments": {}, "send": true})),
        )
        .await
        .data();
    assert_eq!(explained["upstream"]["id"], "billing");
    assert_eq!(explained["upstream"]["endpoints"], json!([upstream.origin()]));
    assert_eq!(
        explained["request"]["url"],
        format!("{}/shared", upstream.origin())
    );
    let text = explained.to_string();
    assert!(!text.contains("s3cr3t-key"), "{text}");
    assert!(text.contains("auth of the upstream billing"), "{text}");
}

#[tokio::test]
async fn calls_are_spread_and_a_changed_weight_counts_at_once() {
    let (app, upstreams) = started("GET", 3, &json!({"balance": {"algorithm": "round_robin"}})).await;
    for _ in 0..30 {
        app.mcp("i").call("t", json!({})).await;
    }
    let counts: Vec<_> = upstreams
        .iter()
        .map(|upstream| upstream.requests().len())
        .collect();
    assert_eq!(counts, [10, 10, 10]);
    let mut only_one = endpoints(&upstreams);
    only_one[0]["enabled"] = false.into();
    only_one[1]["priority"] = 1.into();
    let document = json!({"protocol": "http", "endpoints": only_one});
    app.admin().put("/admin/uds/billing", &document).await.ok();
    for _ in 0..10 {
        app.mcp("i").call("t", json!({})).await;
    }
    let counts: Vec<_> = upstreams
        .iter()
        .map(|upstream| upstream.requests().len())
        .collect();
    assert_eq!(counts, [10, 10, 20]);
    let listed = status(&app, "billing").await;
    assert_eq!(listed["kind"], "http");
    assert_eq!(listed["endpoints"].as_array().unwrap().len(), 2);
    assert_eq!(
        listed["endpoints"][1]["requests"], 20,
        "counters outlive versions: {listed}"
    );
}

#[tokio::test]
async fn what_is_harmless_goes_on_to_another_endpoint() {
    let (app, mut upstreams) = started("GET", 3, &json!({"balance": {"algorithm": "round_robin"}})).await;
    upstreams[0].reply_json(503, &json!({"error": "busy"}));
    drop(upstreams.remove(1));
    for _ in 0..30 {
        let result = app.mcp("i").call("t", json!({})).await;
        assert_eq!(result["isError"], false, "{result}");
    }
    let metrics = app.metrics();
    assert!(
        metrics.contains("dynmcp_endpoint_failures_total{upstream=\"billing\""),
        "{metrics}"
    );
    let sum = |name: &str| -> f64 {
        let values = metrics.lines().filter(|line| line.starts_with(name));
        let values = values.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok());
        values.sum()
    };
    let retries = sum("dynmcp_tool_retries_total{");
    assert!(retries > 0.0, "{metrics}");
    // All calls ended well: what failed was sent once more each time.
    assert_eq!(retries, sum("dynmcp_endpoint_failures_total{"), "{metrics}");
}

#[tokio::test]
async fn what_may_not_be_done_twice_is_only_sent_elsewhere_if_it_was_not_sent() {
    let (app, mut upstreams) = started("POST", 3, &json!({"balance": {"algorithm": "round_robin"}})).await;
    upstreams[0].reply_json(503, &json!({"error": "busy"}));
    drop(upstreams.remove(1));
    let mut errors = 0;
    for call in 0..30 {
        let result = app.mcp("i").call("t", json!({"number": call})).await;
        errors += usize::from(result["isError"] == true);
    }
    let sent: Vec<_> = upstreams
        .iter()
        .flat_map(Upstream::requests)
        .map(|request| request.json())
        .collect();
    assert_eq!(sent.len(), 30, "each call once");
    let refused = upstreams[0].requests().len();
    assert_eq!(errors, refused, "the answer of who was asked stands");
    assert!(refused >= 5, "{refused}");
}

#[tokio::test]
async fn an_endpoint_that_hangs_costs_a_part_of_the_time() {
    let failover = json!({"balance": {"algorithm": "round_robin"}, "failover": {"attempt_ms": 100}});
    let (app, upstreams) = started("GET", 2, &failover).await;
    upstreams[0].reply(crate::test_app::Reply::After(std::time::Duration::from_secs(
        3600,
    )));
    for _ in 0..4 {
        let result = app.mcp("i").call("t", json!({})).await;
        assert_eq!(result["isError"], false, "{result}");
    }
    let hung = || app.app().services.bases.status("billing").unwrap()[0].failures;
    assert!(hung() >= 1);
    eventually("nothing is under way", || {
        let all = app.app().services.bases.status("billing").unwrap();
        all.iter().all(|endpoint| endpoint.under_way == 0)
    })
    .await;
}

#[tokio::test]
async fn a_service_has_no_lists_and_a_check_asks_each_of_its_endpoints_once() {
    let (app, upstreams) = started("GET", 2, &json!({})).await;
    let admin = app.admin();
    let post = async |path: &str| admin.send(admin.request(Method::POST, path)).await;
    for refused in [
        post("/admin/uds/billing/refresh").await,
        post("/admin/uds/billing/restart").await,
        admin.get("/admin/uds/billing/inventory").await,
        admin.get("/admin/uds/billing/logs").await,
    ] {
        let refused = refused.error(409);
        assert!(
            refused.contains("billing` is an HTTP service (`protocol: http`), which has no lists"),
            "{refused}"
        );
    }
    let login = "/admin/uds/billing/login";
    for refused in [
        post(login).await,
        admin.get(login).await,
        admin.delete(login).await,
    ] {
        let refused = refused.error(409);
        assert!(refused.contains("which nobody logs in to"), "{refused}");
    }
    post("/admin/uds/nothing/refresh").await.error(404);
    post("/admin/upstreams/nothing/check").await.error(404);

    upstreams[0].reply_json(500, &json!({}));
    for path in ["/admin/uds/billing/check", "/admin/upstreams/billing/check"] {
        let checked = post(path).await.data();
        assert_eq!(checked["protocol"], "http");
        assert_eq!(
            checked["endpoints"],
            json!([
                {"url": upstreams[0].origin(), "problem": "it answered a probe with the status 500"},
                {"url": upstreams[1].origin()},
            ])
        );
    }
    post("/admin/upstreams/billing/check?dry_run=true")
        .await
        .error(400);
    upstreams[1].reply_json(503, &json!({}));
    let refused = post("/admin/uds/billing/check").await.error(502);
    assert!(
        refused.contains("the status 500; ") && refused.ends_with("the status 503"),
        "{refused}"
    );
    let asked = upstreams.iter().map(|upstream| upstream.requests().len());
    assert_eq!(asked.collect::<Vec<_>>(), [3, 3]);
    let state = status(&app, "billing").await;
    assert_eq!(state["state"], "ready", "nothing of it counts: {state}");
    assert_eq!(state["endpoints"][0]["failures"], 0, "{state}");
}
