//! A gateway that announces itself (`[[register]]`): at another gateway, and at an agent of Consul, in whose place a server of the test answers in the form of
//! Consul's documentation.

use super::{gateway, listed, server};
use crate::test_app::{DEADLINE, TestApp, eventually};
use axum::{
    Router,
    body::to_bytes,
    extract::{Request, State},
    response::{IntoResponse, Response},
};
use reqwest::StatusCode;
use serde_json::{Value, json};
use std::{
    fs,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};
use tokio::net::TcpListener;

/// From now on its configuration has this, too.
fn add(app: &TestApp, tables: &str) {
    let base = fs::read_to_string(app.configuration()).unwrap();
    fs::write(app.configuration(), format!("{base}\n{tables}\n")).unwrap();
}

#[tokio::test]
async fn a_gateway_registers_is_called_is_known_again_and_leaves_when_it_drains() {
    let registry = gateway(&json!([{"type": "registration", "tags": ["found"]}])).await;
    let mut far = server().await;
    far.follow().await;
    let place = registry.url("");
    let (authority, address) = (
        place.trim_start_matches("http://").to_owned(),
        far.url("/mcp/shop"),
    );
    add(
        &far,
        &format!(
            "[[register]]\ntype = 'gateway'\nurl = '{place}'\ntoken = 'admin-key-of-tests'\nname = 'far'\naddress = '{address}'\n\
             interval = 1\ntags = ['lab']\npriority = 7\ndescription = 'Another gateway.'"
        ),
    );
    listed(&registry, &["add_item", "get_item"]).await;
    let known = registry.admin().get("/api/servers/far").await.ok().json();
    assert_eq!(
        (
            &known["url"],
            &known["tags"],
            &known["priority"],
            &known["description"]
        ),
        (
            &json!(address),
            &json!(["lab"]),
            &json!(7),
            &json!("Another gateway.")
        ),
        "{known}"
    );
    let gauge = format!("dynmcp_registered{{registry=\"{authority}\",name=\"far\"}} 1");
    eventually("it is counted", || far.metrics().contains(&gauge)).await;
    let shown = far.admin().get("/admin/status").await.ok().json().to_string();
    assert!(!shown.contains("admin-key-of-tests"), "{shown}");

    // Somebody takes it away: with the next sign of life it registers again.
    registry.admin().delete("/api/servers/far").await.ok();
    let begun = Instant::now();
    while registry.admin().get("/api/servers/far").await.status != 200 {
        assert!(begun.elapsed() < DEADLINE, "it has not registered again");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    listed(&registry, &["add_item", "get_item"]).await;

    far.stop().await;
    registry.admin().get("/api/servers/far").await.error(404);
    listed(&registry, &[]).await;
}

#[tokio::test]
async fn a_table_that_goes_takes_its_registration_with_it() {
    let registry = gateway(&json!([{"type": "registration", "tags": ["found"]}])).await;
    let far = server().await;
    let base = fs::read_to_string(far.configuration()).unwrap();
    far.follow().await;
    let (place, address) = (registry.url(""), far.url("/mcp/shop"));
    add(
        &far,
        &format!(
            "[[register]]\ntype = 'gateway'\nurl = '{place}'\ntoken = 'admin-key-of-tests'\nname = 'far'\naddress = '{address}'"
        ),
    );
    listed(&registry, &["add_item", "get_item"]).await;
    fs::write(far.configuration(), base).unwrap();
    listed(&registry, &[]).await;
    registry.admin().get("/api/servers/far").await.error(404);
}

/// Wherever it makes itself known it may look as well.
#[tokio::test]
async fn a_gateway_does_not_call_at_its_own_door() {
    let own = "http://127.0.0.1:9/mcp/i";
    let register = json!([{"type": "gateway", "url": "http://127.0.0.1:9", "name": "me", "address": own}]);
    let servers = json!([{"name": "me", "url": own}, {"name": "other", "url": "http://127.0.0.1:9/mcp"}]);
    let discovery = json!([{"type": "static", "servers": servers}]);
    let (register, discovery) = (register.to_string(), discovery.to_string());
    let app = TestApp::with(&[("register", &*register), ("discovery", &*discovery)]).await;
    let hub = app.app().hub.clone();
    eventually("the other one is found", || {
        hub.ids().iter().any(|id| **id == *"other")
    })
    .await;
    assert_eq!(app.app().hub.ids().len(), 1, "{:?}", app.app().hub.ids());
}

/// What the agent was asked: method, path with query, body.
type Asked = (String, String, Value);

#[derive(Default)]
struct Agent {
    asked: Mutex<Vec<Asked>>,
    /// What it answers to signs of life.
    sign: Mutex<Option<StatusCode>>,
}

impl Agent {
    async fn start() -> (Arc<Self>, SocketAddr) {
        let agent = Arc::<Self>::default();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().fallback(answer).with_state(agent.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        (agent, address)
    }

    fn asked(&self, beginning: &str) -> Vec<Asked> {
        let asked = self.asked.lock().unwrap();
        let of = asked.iter().filter(|(_, path, _)| path.starts_with(beginning));
        of.cloned().collect()
    }
}

async fn answer(State(agent): State<Arc<Agent>>, request: Request) -> Response {
    let token = request.headers().get("x-consul-token");
    if token.is_none_or(|token| token != "s3cr3t-of-the-agent") {
        return (StatusCode::FORBIDDEN, "ACL not found").into_response();
    }
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, 1 << 20).await.unwrap();
    let body = serde_json::from_slice(&body).unwrap_or_default();
    let path = parts.uri.path_and_query().unwrap().to_string();
    let is_sign = path.starts_with("/v1/agent/check/pass/");
    // Slow to forget: what is written down is what it has done.
    if path.starts_with("/v1/agent/service/deregister/") {
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    agent
        .asked
        .lock()
        .unwrap()
        .push((parts.method.to_string(), path, body));
    match *agent.sign.lock().unwrap() {
        Some(status) if is_sign => (status, "Unknown check ID").into_response(),
        _ => StatusCode::OK.into_response(),
    }
}

#[tokio::test]
async fn a_service_of_consul_with_signs_of_life() {
    let (agent, address) = Agent::start().await;
    let tables = json!([{"type": "consul", "url": format!("http://{address}"), "token": "s3cr3t-of-the-agent", "name": "desk", "ttl": 3,
        "interval": 1, "address": "https://gw.example:8443/mcp/shop", "tags": ["lab"]}]);
    let mut app = TestApp::with(&[("register", &tables.to_string())]).await;
    eventually("it registers", || {
        !agent.asked("/v1/agent/service/register").is_empty()
    })
    .await;
    let (method, path, body) = agent.asked("/v1/agent/service/register").remove(0);
    assert_eq!(
        (method.as_str(), path.as_str()),
        ("PUT", "/v1/agent/service/register?replace-existing-checks=true")
    );
    assert_eq!(
        body,
        json!({"ID": "desk-gw.example-8443", "Name": "desk", "Tags": ["mcp", "lab"], "Address": "gw.example", "Port": 8443,
            "Meta": {"mcp_scheme": "https", "mcp_path": "/mcp/shop"},
            "Check": {"CheckID": "service:desk-gw.example-8443", "Name": "signs of life", "TTL": "3s", "Status": "passing",
                "DeregisterCriticalServiceAfter": "60s"}})
    );
    let signs = || agent.asked("/v1/agent/check/pass/").len();
    eventually("it gives signs of life", || signs() >= 2).await;
    let (method, path, _) = agent.asked("/v1/agent/check/pass/").remove(0);
    assert_eq!(
        (method.as_str(), path.as_str()),
        ("PUT", "/v1/agent/check/pass/service%3Adesk%2Dgw%2Eexample%2D8443")
    );
    // An agent that was started anew knows nothing.
    *agent.sign.lock().unwrap() = Some(StatusCode::NOT_FOUND);
    eventually("it registers again", || {
        agent.asked("/v1/agent/service/register").len() >= 2
    })
    .await;
    app.stop().await;
    let (method, path, _) = agent.asked("/v1/agent/service/deregister/").remove(0);
    assert_eq!(
        (method.as_str(), path.as_str()),
        ("PUT", "/v1/agent/service/deregister/desk%2Dgw%2Eexample%2D8443")
    );
}

#[tokio::test]
async fn a_table_that_changes_registers_when_what_it_said_before_is_taken_back() {
    let (agent, address) = Agent::start().await;
    let app = TestApp::start().await;
    app.follow().await;
    let base = fs::read_to_string(app.configuration()).unwrap();
    let say = |tag: &str| {
        let table = format!(
            "[[register]]\ntype = 'consul'\nurl = 'http://{address}'\ntoken = 's3cr3t-of-the-agent'\nname = 'desk'\n\
             address = 'http://gw.example/mcp/shop'\nttl = 3600\ninterval = 600\ntags = ['{tag}']\n"
        );
        fs::write(app.configuration(), format!("{base}\n{table}")).unwrap();
    };
    let has = |tag: &str| {
        let asked = agent.asked("/v1/agent/service/register");
        asked
            .iter()
            .any(|(_, _, body)| body["Tags"].to_string().contains(tag))
    };
    say("one");
    eventually("it registers", || has("one")).await;
    say("two");
    eventually("it registers anew", || has("two")).await;
    eventually("what was before is taken back", || {
        !agent.asked("/v1/agent/service/deregister/").is_empty()
    })
    .await;
    let all = agent.asked("/v1/agent/service/");
    let (_, last, _) = all.last().unwrap();
    assert!(last.starts_with("/v1/agent/service/register"), "{all:?}");
}

#[tokio::test]
async fn a_registry_that_is_away_or_refuses_harms_nothing() {
    let (agent, address) = Agent::start().await;
    let tables = json!([
        {"type": "consul", "url": format!("http://{address}"), "token": "another", "name": "one", "address": "http://a.example/mcp/i"},
        {"type": "gateway", "url": "http://127.0.0.1:1", "name": "two", "address": "http://a.example/mcp/i"},
    ]);
    let mut app = TestApp::with(&[("register", &tables.to_string())]).await;
    app.with_item_tools("shop").await;
    let failed = |name: &str, registry: &str| {
        let line = format!("dynmcp_register_failures_total{{registry=\"{registry}\",name=\"{name}\"}} ");
        let metrics = app.metrics();
        let count = metrics.lines().find_map(|row| row.strip_prefix(&line));
        count.is_some_and(|count| count.parse::<u64>().unwrap() > 0)
    };
    eventually("both fail", || {
        failed("one", &address.to_string()) && failed("two", "127.0.0.1:1")
    })
    .await;
    assert!(!app.mcp("shop").tool_names().await.is_empty());
    assert!(agent.asked("").is_empty(), "nothing was taken");
    app.stop().await;
}
