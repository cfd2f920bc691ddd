//! What is refused when it is written.

use crate::test_app::TestApp;
use serde_json::json;

#[tokio::test]
async fn what_cannot_be_meant_is_named_with_its_place() {
    let app = TestApp::start().await;
    let two = json!([{"url": "http://a.example"}, {"url": "http://b.example"}]);
    let good = json!({"protocol": "http", "endpoints": two});
    let with = |path: &str, value: serde_json::Value| {
        let mut document = good.clone();
        let (parent, member) = path.rsplit_once('/').unwrap();
        let parent = match parent {
            "" => &mut document,
            parent => {
                if document.pointer(parent).is_none() {
                    document[&parent[1..]] = json!({});
                }
                document.pointer_mut(parent).unwrap()
            }
        };
        parent[member] = value;
        document
    };
    app.admin().put("/admin/uds/u", &good).await.ok();
    for (document, expected) in [
        (
            with("/balance/algorithm", json!("fastest")),
            "balance.algorithm: unknown variant `fastest`, expected one of `p2c`, `round_robin`, `least_connections`, `consistent_hash`, `random`, `weighted_random`",
        ),
        (
            with("/endpoints/0/weight", json!(0)),
            "endpoints[0].weight: must be 1 to 10000; `enabled: false` takes an endpoint out",
        ),
        (
            with("/endpoints/0/weight", json!(-1)),
            "endpoints[0].weight: invalid value: integer `-1`",
        ),
        (
            with("/endpoints/1/url", json!("http://a.example/")),
            "endpoints[1].url: is that of endpoints[0], too",
        ),
        (
            with("/endpoints/1/url", json!("ftp://a.example/")),
            "endpoints[1].url: must begin with http",
        ),
        (
            with("/endpoints/1/url", json!("http://a.example/?q=1")),
            "endpoints[1].url: must not have a query",
        ),
        (
            with("/endpoints/1/wieght", json!(1)),
            "endpoints[1].wieght: unknown field",
        ),
        (
            with(
                "/endpoints",
                json!([{"url": "http://a.example", "enabled": false}]),
            ),
            "endpoints: all of them are switched off",
        ),
        (
            with("/url", json!("http://c.example")),
            "url: is given together with `endpoints`",
        ),
        (
            with("/balance/virtual_nodes", json!(0)),
            "balance.virtual_nodes: must be 1 to 1000",
        ),
        (
            with("/balance/prefer_region", json!("eu")),
            "balance.prefer_region: no endpoint has `region: eu`",
        ),
        (
            with("/breaker/failures", json!(0)),
            "breaker.failures: must be 1 to 1000",
        ),
        (
            with("/failover/attempts", json!(64)),
            "failover.attempts: must be 0 to 63",
        ),
        (
            with("/health/path", json!("health")),
            "health.path: must be a path that begins with `/`",
        ),
        (
            with("/limits/endpoint_concurrency", json!(0)),
            "limits.endpoint_concurrency: must be 1 or more",
        ),
        (
            with("/limits", json!({"endpoint_concurrency": 1, "queue": 10001})),
            "limits.queue: must be 0 to 10000",
        ),
        (
            with("/limits", json!({"endpoint_concurrency": 1, "queue_ms": 0})),
            "limits.queue_ms: must be 1 to 3600000; `queue: 0` lets calls fail at once",
        ),
        (
            with("/limits/queue", json!(5)),
            "limits: `queue` and `queue_ms` are about `endpoint_concurrency`, and there is none",
        ),
        (with("/pin/mode", json!("warn")), "pin: is for MCP servers"),
        (
            with("/timeouts/list_ms", json!(5)),
            "timeouts: but `connect_ms` are for MCP servers",
        ),
        (
            with("/limits/concurrency", json!(5)),
            "limits: but `rate`, `burst`, `concurrent`, `per_day`, `endpoint_concurrency`, `queue` and `queue_ms` are for MCP servers",
        ),
        (
            with("/limits/max_response_bytes", json!("1MiB")),
            "limits: but `rate`, `burst`, `concurrent`, `per_day`, `endpoint_concurrency`, `queue` and `queue_ms` are for MCP servers",
        ),
        (with("/tls/ca", json!("not PEM")), "tls"),
        (
            with("/egress/allow", json!(["other.example"])),
            "endpoints[0].url: `a.example` would never be called",
        ),
        (
            json!({"url": "http://a.example/mcp", "breaker": {"failures": 2}}),
            "breaker: is about `endpoints`, and there are none",
        ),
        (
            json!({"url": "http://a.example/mcp", "tls": {}}),
            "tls: a.example is called over http, without TLS",
        ),
        (
            json!({"transport": "sse", "endpoints": two}),
            "endpoints: are for servers with streamable HTTP",
        ),
        (
            json!({"protocol": "grpc", "url": "http://a.example"}),
            "protocol: unknown variant `grpc`",
        ),
    ] {
        let refused = app.admin().put("/admin/uds/u", &document).await.error(400);
        assert!(refused.contains(expected), "{document}: {refused}");
    }
    let many: Vec<_> = (0..65)
        .map(|number| json!({"url": format!("http://e{number}.example")}))
        .collect();
    let refused = app
        .admin()
        .put("/admin/uds/u", &json!({"protocol": "http", "endpoints": many}))
        .await
        .error(400);
    assert!(
        refused.contains("endpoints: has 65 items, at most 64 are allowed"),
        "{refused}"
    );
    let kept = app.admin().get("/admin/uds/u").await.data();
    assert_eq!(kept["endpoints"], good["endpoints"], "what was there stays");
}

#[tokio::test]
async fn a_tool_says_once_where_it_is_called() {
    let app = TestApp::start().await;
    for (own, expected) in [
        (
            json!({"domain": "a.example"}),
            "tds_ext_info.upstream: is given together with `domain`",
        ),
        (
            json!({"base_url": "http://a.example"}),
            "tds_ext_info.upstream: is given together with `base_url`",
        ),
        (json!({"tls": {}}), "tds_ext_info.tls: belongs to the upstream"),
        (
            json!({"egress": {"allow": []}}),
            "tds_ext_info.egress: belongs to the upstream",
        ),
        (
            json!({"upstream": "No Such"}),
            "tds_ext_info.upstream: `No Such` is not the id of an upstream",
        ),
    ] {
        let mut document = super::tool("GET", "/");
        for (name, value) in own.as_object().unwrap() {
            document["tds_ext_info"][name] = value.clone();
        }
        let refused = app.admin().put("/admin/tds/t", &document).await.error(400);
        assert!(refused.contains(expected), "{document}: {refused}");
    }
}

#[tokio::test]
async fn the_example_is_read_from_its_file() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/fleet");
    let app = TestApp::with(&[("app.data_source", "file"), ("data_source.file.path", folder)]).await;
    assert_eq!(app.admin().get("/admin/quarantine").await.data(), json!([]));
    assert_eq!(app.mcp("desk").tool_names().await, ["get_invoice"]);
    let exported = app.admin().get("/admin/uds/billing").await.data();
    assert_eq!(
        exported["protocol"], "http",
        "nothing of it is taken for something else"
    );
}
