//! The configuration file of the aggregator Only1MCP, read as it is and followed.

mod notes;

use crate::{
    test_app::{TestApp, eventually},
    upstreams::server::McpServer,
};
use async_trait::async_trait;
use bytes::Bytes;
use futures_util::FutureExt;
use mcp_axum::settings::{Layers, Settings};
use mcp_common::{
    datasource::{Changes, DataSource, HistoryEntry, Load, SourceError, Write},
    key::{Key, Revision},
    plugin::{self, DataSourceFactory, PluginError},
};
use mcp_plugin::datasource::memory::Memory;
use serde_json::{Value, json};
use std::{fs, sync::Arc};

async fn server(tool: &str) -> McpServer {
    let server = McpServer::start(true, json!({"tools": {}}), |_, talk| {
        async move { talk.result(r#"{"content":[],"resultType":"complete"}"#) }.boxed()
    })
    .await;
    let tools = format!(r#"[{{"name":"{tool}","inputSchema":{{"type":"object"}}}}]"#);
    server.list("tools/list", "tools", &tools);
    server
}

fn url(server: &McpServer) -> String {
    server.document()["url"].as_str().unwrap().to_owned()
}

fn yaml(servers: &[(&str, &McpServer)]) -> String {
    let servers: Vec<String> = servers
        .iter()
        .map(|(id, server)| {
            format!(
                "  - id: {id}\n    name: The {id}\n    transport: {{type: http, url: '{}'}}\n    weight: 1\n",
                url(server)
            )
        })
        .collect();
    format!(
        "server:\n  host: 127.0.0.1\n  port: 8080\nservers:\n{}",
        servers.concat()
    )
}

/// What clients without a key see at `/mcp`.
async fn tools(app: &TestApp) -> Vec<String> {
    let client = app.anonymous();
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list"});
    let request = client
        .request(reqwest::Method::POST, "/mcp")
        .header("content-type", "application/json");
    let answer = client.send(request.body(body.to_string())).await.json();
    let tools = answer["result"]["tools"].as_array().cloned().unwrap_or_default();
    let mut names: Vec<String> = tools
        .iter()
        .map(|tool| tool["name"].as_str().unwrap().to_owned())
        .collect();
    names.sort();
    names
}

async fn until(app: &TestApp, expected: &[&str]) {
    let start = std::time::Instant::now();
    loop {
        let found = tools(app).await;
        if found == expected {
            return;
        }
        assert!(
            start.elapsed() < crate::test_app::DEADLINE,
            "{found:?} instead of {expected:?}"
        );
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

fn status(app: &TestApp) -> Value {
    json!(app.app().config.report())
}

async fn refused(app: &TestApp, errors: u64) -> String {
    eventually("it is refused", || status(app)["errors"] == errors).await;
    status(app)["last_error"]["reason"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn servers_come_and_go_with_the_file_and_a_broken_one_changes_nothing() {
    let (one, two) = (server("look").await, server("pay").await);
    let app = TestApp::of_file("only1mcp.yaml", &yaml(&[("one", &one)])).await;
    let file = app.configuration();
    until(&app, &["look"]).await;
    fs::write(&file, yaml(&[("one", &one), ("two", &two)])).unwrap();
    until(&app, &["look", "pay"]).await;
    assert!(
        app.metrics().contains("dynmcp_config_reload_total 1\n"),
        "{}",
        app.metrics()
    );

    fs::write(&file, "servers: [[[").unwrap();
    let error = refused(&app, 1).await;
    assert!(
        error.starts_with(&format!("{}:2: not YAML", file.display())),
        "{error}"
    );
    let light = yaml(&[("one", &one)]).replace("weight: 1", "weight: 0");
    fs::write(&file, light).unwrap();
    let error = refused(&app, 2).await;
    let expected = "servers[0].weight: must be a whole number of at least 1, but is 0 (server `one`)";
    assert!(error.contains(expected), "{error}");
    fs::remove_file(&file).unwrap();
    assert!(refused(&app, 3).await.contains("is gone"));
    assert_eq!(tools(&app).await, ["look", "pay"]);
    app.anonymous().get("/readyz").await.ok();

    let moved = yaml(&[("two", &two)]).replace("host: 127.0.0.1", "host: '::1'");
    fs::write(&file, moved).unwrap();
    until(&app, &["pay"]).await;
    assert_eq!(status(&app)["requires_restart"], json!(["server.host"]));
    app.admin().get("/admin/uds/one").await.error(404);
    app.anonymous().get("/admin/status").await.error(401);
}

#[tokio::test]
async fn a_server_that_is_switched_off_is_not_there_and_tools_are_chosen() {
    let (one, two) = (server("look").await, server("pay").await);
    one.list(
        "tools/list",
        "tools",
        r#"[{"name":"look","inputSchema":{"type":"object"}},{"name":"hidden","inputSchema":{"type":"object"}}]"#,
    );
    let text = format!(
        "[[servers]]\nid = 'One'\nname = 'first'\ntransport = {{ type = 'streamable_http', url = '{}' }}\nrouting = {{ tools = ['look'] }}\n\
         [[servers]]\nid = 'two'\nname = 'second'\nenabled = false\ntransport = {{ type = 'http', url = '{}' }}\n",
        url(&one),
        url(&two)
    );
    let app = TestApp::of_file("only1mcp.toml", &text).await;
    until(&app, &["look"]).await;
    let shown = app.admin().get("/admin/uds/one").await.data();
    assert_eq!(shown["tools"], json!({"include": ["look"]}));
}

/// Takes nothing under the id `large`.
struct Picky(Memory);

#[async_trait]
impl DataSource for Picky {
    async fn load(&self) -> Result<Load, SourceError> {
        self.0.load().await
    }

    async fn watch(&self, from: Revision) -> Result<Changes, SourceError> {
        self.0.watch(from).await
    }

    async fn put(&self, write: Write<'_>, body: Bytes) -> Result<Revision, SourceError> {
        match &*write.key.id {
            "large" => Err(SourceError::TooLarge { size: 20, limit: 10 }),
            _ => self.0.put(write, body).await,
        }
    }

    async fn delete(&self, write: Write<'_>) -> Result<Option<Revision>, SourceError> {
        self.0.delete(write).await
    }

    async fn history(&self, key: &Key, limit: usize) -> Result<Vec<HistoryEntry>, SourceError> {
        self.0.history(key, limit).await
    }
}

#[derive(Default)]
struct PickyFactory;

#[mcp_common::datasource("picky")]
#[async_trait]
impl DataSourceFactory for PickyFactory {
    async fn open(&self, _settings: &plugin::Settings) -> Result<Arc<dyn DataSource>, PluginError> {
        Ok(Arc::new(Picky(Memory::new(10))))
    }
}

#[tokio::test]
async fn a_server_that_cannot_be_stored_keeps_no_other_one_away() {
    let (one, two, three) = (server("look").await, server("pay").await, server("send").await);
    let text = yaml(&[("large", &one), ("two", &two)]);
    let app = TestApp::of_file_and("only1mcp.yaml", &text, &[("app.data_source", "picky")]).await;
    until(&app, &["pay"]).await;
    app.admin().get("/admin/uds/large").await.error(404);
    fs::write(app.configuration(), yaml(&[("large", &one), ("three", &three)])).unwrap();
    until(&app, &["send"]).await;
    let start = std::time::Instant::now();
    while app.admin().get("/admin/uds/two").await.status != 404 {
        assert!(
            start.elapsed() < crate::test_app::DEADLINE,
            "what is gone stays, too"
        );
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

fn load(name: &str, text: &str) -> Result<Settings, String> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(name);
    fs::write(&file, text).unwrap();
    Settings::load(&Layers {
        file: Some(file),
        environment: [("TEAM_KEY".to_owned(), "0123456789abcdef-team".to_owned())].into(),
        ..Layers::default()
    })
    .map_err(|error| error.to_string())
}

const YAML: &str = r#"
version: "1.0"
proxy: {host: 0.0.0.0, port: 9000, worker_threads: 3, max_connections: 100, request_timeout: 30s, idle_timeout: 60s}
servers:
  - {id: a, name: Search, transport: {type: http, url: "http://a.example/mcp", headers: {Accept: x, X-Team: t}}, weight: 100, routing: {priority: 1}, health_check: {enabled: true, interval_seconds: 7, path: /health}}
  - {id: b, name: Search, transport: {type: http, url: "http://b.example/mcp", headers: {X-Team: t}}, weight: 50, routing: {priority: 2}, health_check: {enabled: true, interval_seconds: 7, path: /health}}
  - {id: "Tools & more", transport: stdio, command: [uvx], args: [tool], env: {KEY: "${TOOL_KEY}"}}
routing: {strategy: weighted, sticky_sessions: {enabled: true}, circuit_breaker: {enabled: true, failure_threshold: 4, timeout: 20s}}
cache: {enabled: true, l1: {ttl: 5m}}
auth: {enabled: true, api_key: {enabled: true, keys: [{key: "${TEAM_KEY}", name: team, roles: [developer]}]}}
logging: {level: debug, format: json}
surprise: 1
"#;

const TOML: &str = r#"
version = "1.0"
surprise = 1
[proxy]
host = "0.0.0.0"
port = 9000
worker_threads = 3
max_connections = 100
request_timeout = "30s"
idle_timeout = "60s"
[[servers]]
id = "a"
name = "Search"
weight = 100
transport = { type = "http", url = "http://a.example/mcp", headers = { Accept = "x", X-Team = "t" } }
routing = { priority = 1 }
health_check = { enabled = true, interval_seconds = 7, path = "/health" }
[[servers]]
id = "b"
name = "Search"
weight = 50
transport = { type = "http", url = "http://b.example/mcp", headers = { X-Team = "t" } }
routing = { priority = 2 }
health_check = { enabled = true, interval_seconds = 7, path = "/health" }
[[servers]]
id = "Tools & more"
transport = "stdio"
command = ["uvx"]
args = ["tool"]
env = { KEY = "${TOOL_KEY}" }
[routing]
strategy = "weighted"
sticky_sessions = { enabled = true }
circuit_breaker = { enabled = true, failure_threshold = 4, timeout = "20s" }
[cache]
enabled = true
l1 = { ttl = "5m" }
[auth]
enabled = true
[auth.api_key]
enabled = true
keys = [{ key = "${TEAM_KEY}", name = "team", roles = ["developer"] }]
[logging]
level = "debug"
format = "json"
"#;

#[test]
fn it_says_the_same_in_yaml_and_toml() {
    let (yaml, toml) = (load("c.yaml", YAML).unwrap(), load("c.toml", TOML).unwrap());
    // Tables of plugins come in any order.
    let shown = |settings: &Settings| settings.to_redacted_toml().parse::<toml::Table>().unwrap();
    assert_eq!(shown(&yaml), shown(&toml));
    let app = &yaml.app;
    assert_eq!(
        (app.host.as_str(), app.port, app.workers, app.max_connections),
        ("0.0.0.0", 9000, 3, 100)
    );
    assert_eq!(
        (yaml.log.log_level.as_str(), yaml.upstream.timeout_ms),
        ("debug", 30_000)
    );
    assert_eq!(
        yaml.authenticator["api_key"]["keys"][0]["key"],
        "0123456789abcdef-team"
    );
    assert_eq!(*yaml.stdio.allow, ["uvx"]);
    assert_eq!(*yaml.secrets.allow_env, ["TOOL_KEY"]);
    let aggregated = yaml.aggregated.unwrap();
    assert!(!aggregated.is_open);
    let [search, tools] = &aggregated.upstreams[..] else {
        panic!("{aggregated:?}")
    };
    assert_eq!(
        search.document,
        json!({
            "id": "a", "name": "Search", "priority": 1, "headers": {"X-Team": "t"},
            "endpoints": [{"url": "http://a.example/mcp", "weight": 100, "priority": 0}, {"url": "http://b.example/mcp", "weight": 50, "priority": 1}],
            "balance": {"algorithm": "weighted_random", "sticky": "session"}, "breaker": {"failures": 4, "cool_down_seconds": 20},
            "health": {"enabled": true, "interval_seconds": 7, "path": "/health"},
        })
    );
    assert_eq!(
        (tools.id.as_str(), &tools.document["env"]),
        ("tools---more", &json!({"KEY": "${env:TOOL_KEY}"}))
    );
    let notes = aggregated.notes.join("\n");
    for note in [
        "surprise: there is no such key",
        "cache: ",
        "proxy.idle_timeout: ",
    ] {
        assert!(notes.contains(note), "{note}: {notes}");
    }
}

#[test]
fn a_server_by_itself_is_probed_where_it_or_the_file_says_so() {
    let text = r#"
health_check: {interval: 15s, unhealthy_threshold: 2}
routing: {circuit_breaker: {failure_threshold: 4}}
servers:
  - {id: usual, transport: {type: http, url: "http://a.example/mcp"}}
  - {id: own, transport: {type: streamable_http, url: "http://b.example/mcp"}, weight: 65535, health_check: {interval_seconds: 7, path: /health}}
  - {id: "off", transport: {type: http, url: "http://c.example/mcp"}, health_check: {enabled: false}}
  - {id: older, transport: {type: sse, url: "http://d.example/sse"}, health_check: {enabled: true}}
  - {id: socket, transport: {type: websocket, url: "ws://e.example/mcp"}, health_check: {enabled: true}}
  - {id: program, transport: stdio, command: [uvx]}
"#;
    let aggregated = load("c.yaml", text).unwrap().aggregated.unwrap();
    let of = |id: &str| {
        let mut all = aggregated.upstreams.iter();
        &all.find(|upstream| upstream.id == id).unwrap().document
    };
    assert_eq!(
        *of("usual"),
        json!({
            "id": "usual", "name": "usual", "priority": 100, "endpoints": [{"url": "http://a.example/mcp"}], "breaker": {"failures": 4},
            "health": {"enabled": true, "interval_seconds": 15, "unhealthy_threshold": 2},
        })
    );
    assert_eq!(of("own")["endpoints"], json!([{"url": "http://b.example/mcp"}]));
    assert_eq!(
        of("own")["health"],
        json!({"enabled": true, "interval_seconds": 7, "unhealthy_threshold": 2, "path": "/health"}),
        "what it does not say itself is as for all"
    );
    for (id, url) in [
        ("off", "http://c.example/mcp"),
        ("older", "http://d.example/sse"),
        ("socket", "ws://e.example/mcp"),
    ] {
        let document = of(id);
        assert_eq!(document["url"], url);
        assert!(
            document.get("health").is_none() && document.get("endpoints").is_none(),
            "{document}"
        );
    }
    let notes: Vec<&str> = aggregated
        .notes
        .iter()
        .filter_map(|note| note.split(": ").next())
        .collect();
    assert_eq!(
        notes,
        [
            "servers[4].health_check (server `socket`)",
            "servers[3].health_check (server `older`)"
        ],
        "what is said of a server that cannot be probed is named"
    );
}

#[test]
fn its_certificate_is_that_of_the_gateway() {
    let tls = |members: &str| {
        let text = format!("server: {{tls: {{{members}}}}}\nservers: []");
        let tls = load("c.yaml", &text).unwrap().app.tls;
        (tls.certificate, tls.key)
    };
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(
        tls("enabled: true, cert_path: /tls/cert.pem, key_path: /tls/key.pem"),
        (some("/tls/cert.pem"), some("/tls/key.pem"))
    );
    assert_eq!(
        tls("enabled: true, cert_file: a.pem, key_file: b.pem"),
        (some("a.pem"), some("b.pem"))
    );
    assert_eq!(tls("enabled: false, cert_path: a.pem"), (None, None));
}

#[test]
fn what_cannot_be_meant_is_said_with_the_server() {
    for (text, expected) in [
        (
            "servers: [{id: a, transport: {type: carrier_pigeon}}]",
            "servers[0].transport.type: `carrier_pigeon` is no transport",
        ),
        (
            "servers: [{id: a, transport: {type: http}}]",
            "servers[0].transport.url: is missing: the address of the server (server `a`)",
        ),
        (
            "servers: [{id: a, transport: {type: http, url: 'ftp://x'}}]",
            "servers (server `a`): url",
        ),
        (
            "servers: [{transport: {type: http, url: 'http://x/'}}]",
            "servers[0].id: is missing",
        ),
        (
            "servers: [{id: a, transport: {type: http, url: 'http://x/'}}, {id: A, transport: {type: http, url: 'http://y/'}}]",
            "servers[1].id: is that of servers[0], too",
        ),
        (
            "routing: {algorithm: best}\nservers: []",
            "routing.algorithm: `best` is no algorithm",
        ),
        (
            "server: {port: many}\nservers: []",
            "server.port: must be a whole number",
        ),
        (
            "server: {max_connections: 9223372036854775808}\nservers: []",
            "server.max_connections: must be at most 9223372036854775807, but is 9223372036854775808",
        ),
        (
            "proxy: {request_timeout: 10000000000000000s}\nservers: []",
            "proxy.request_timeout: must be a shorter time, but is \"10000000000000000s\"",
        ),
        (
            "proxy: {request_timeout: 18446744073709551615}\nservers: []",
            "proxy.request_timeout: expected a time",
        ),
        (
            "servers: [{id: a, transport: {type: http, url: 'http://x/', timeout_ms: 18446744073709551615}}]",
            "servers[0].transport.timeout_ms: must be at most 9223372036854775807",
        ),
        (
            "server: {tls: {enabled: true, key_path: /tls/key.pem}}\nservers: []",
            "server.tls.cert_path: is missing: the file with the certificate",
        ),
        (
            "server: {tls: {enabled: true, cert_file: /tls/cert.pem}}\nservers: []",
            "server.tls.key_path: is missing: the file with the private key",
        ),
        (
            "health_check: {interval_seconds: 0}\nservers: []",
            "health_check.interval_seconds: must be a whole number of at least 1",
        ),
        ("servers: {}", "servers: expected a list"),
        ("- a", "is a mapping with `servers`"),
    ] {
        let error = load("c.yaml", text).unwrap_err();
        assert!(error.contains(expected), "{text}: {error}");
    }
}
