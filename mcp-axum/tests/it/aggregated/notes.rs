//! What is understood in another way, or not at all, is named.

use super::load;
use serde_json::{Value, json};

#[test]
fn what_its_own_guide_shows_is_read_and_nothing_is_dropped_without_a_word() {
    let text = r#"
servers:
  - {id: short, url: "http://a.example/mcp", health_check: {enabled: true}}
  - {id: program, command: uvx, args: [tool]}
  - {id: one, name: Same, transport: {type: http, url: "http://b.example/mcp", timeout: 5s}, pool: {max_connections: 3}}
  - {id: other, name: Same, transport: {type: http, url: "http://c.example/mcp"}, health_check: {enabled: true}}
  - {id: twin, name: Same, transport: {type: http, url: "http://d.example/mcp"}, health_check: {enabled: true}}
routing: {sticky_sessions: {enabled: true, ttl: 1h, cookie_name: c}, circuit_breaker: {enabled: false, failure_threshold: 3, success_threshold: 2, error_rate_threshold: 0.5}}
connection_pool: {max_per_backend: 20, min_idle: 1}
auth: {enabled: true, methods: [api_key], api_key: {enabled: false, header: X-Key, query_param: key, keys: [{key: "${TEAM_KEY}", name: team}]}}
development: {cors: {enabled: true, allow_origins: ["http://x"], allow_methods: [GET], allow_headers: [A]}}
"#;
    let aggregated = load("c.yaml", text).unwrap().aggregated.unwrap();
    let documents: Vec<&Value> = aggregated
        .upstreams
        .iter()
        .map(|upstream| &upstream.document)
        .collect();
    assert_eq!(
        documents[0]["endpoints"],
        json!([{"url": "http://a.example/mcp"}])
    );
    assert_eq!(
        (&documents[1]["transport"], &documents[1]["command"]),
        (&json!("stdio"), &json!("uvx"))
    );
    let limits: Vec<&Value> = documents.iter().map(|document| &document["limits"]).collect();
    let per_endpoint = json!({"endpoint_concurrency": 20});
    assert_eq!(
        limits,
        [
            &per_endpoint,
            &Value::Null,
            &json!({"concurrency": 3}),
            &per_endpoint
        ]
    );
    assert!(
        documents.iter().all(|document| document.get("breaker").is_none()),
        "it is off there"
    );
    let mut named: Vec<&str> = aggregated
        .notes
        .iter()
        .filter_map(|note| note.split(": ").next())
        .collect();
    named.sort_unstable();
    assert_eq!(
        named,
        [
            "auth.api_key.enabled",
            "auth.api_key.header",
            "auth.api_key.query_param",
            "auth.methods",
            "connection_pool.min_idle",
            "development.cors.allow_headers",
            "development.cors.allow_methods",
            "routing.circuit_breaker.enabled",
            "routing.circuit_breaker.error_rate_threshold",
            "routing.circuit_breaker.success_threshold",
            "routing.sticky_sessions.cookie_name",
            "routing.sticky_sessions.ttl",
            "servers[3] (server `other`)",
        ]
    );
    let apart = aggregated
        .notes
        .iter()
        .find(|note| note.starts_with("servers[3]"))
        .unwrap();
    assert!(
        apart.contains("of `one`") && apart.contains("differ in limits, timeouts, health_check"),
        "{apart}"
    );
}
