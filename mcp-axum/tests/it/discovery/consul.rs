//! `consul`. No Consul is at hand here: a server of the test answers in its place, with answers of the form that Consul's documentation of its HTTP API has
//! (`/v1/catalog/services`, `/v1/health/service/…`, blocking queries).

use super::{gateway, ids, listed, server, until};
use axum::{
    Router,
    extract::{Query, Request, State},
    response::{IntoResponse, Response},
};
use reqwest::StatusCode;
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{net::TcpListener, sync::watch};

const SERVICES: &str = include_str!("consul/catalog_services.json");
const INSTANCES: &str = include_str!("consul/health_service.json");
const TOKEN: &str = "b1gs33cr3t-of-the-registry";

/// What it has.
#[derive(Clone, Default)]
struct Catalog {
    index: u64,
    services: Value,
    instances: BTreeMap<String, Value>,
    /// Answered to everything instead.
    trouble: Option<(u16, String)>,
    is_filtered: bool,
}

struct Consul {
    catalog: watch::Sender<Catalog>,
    asked: Mutex<Vec<String>>,
}

impl Consul {
    async fn start() -> (Arc<Self>, SocketAddr) {
        let catalog = watch::Sender::new(Catalog {
            index: 10,
            services: json!({"consul": []}),
            ..Catalog::default()
        });
        let consul = Arc::new(Self {
            catalog,
            asked: Mutex::default(),
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().fallback(answer).with_state(consul.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        (consul, address)
    }

    fn change(&self, how: impl FnOnce(&mut Catalog)) {
        self.catalog.send_modify(|catalog| {
            catalog.index += 1;
            how(catalog);
        });
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

async fn answer(
    State(consul): State<Arc<Consul>>,
    Query(query): Query<BTreeMap<String, String>>,
    request: Request,
) -> Response {
    consul.asked.lock().unwrap().push(request.uri().to_string());
    if request
        .headers()
        .get("x-consul-token")
        .is_none_or(|token| token != TOKEN)
    {
        return (StatusCode::FORBIDDEN, "ACL not found").into_response();
    }
    let mut catalog = consul.catalog.subscribe();
    if let Some(index) = query.get("index") {
        let index: u64 = index.parse().unwrap();
        let wait: u64 = query["wait"].strip_suffix('s').unwrap().parse().unwrap();
        let is_newer = catalog.wait_for(|catalog| catalog.index > index);
        // When the time is over it answers what it has.
        let _ = tokio::time::timeout(Duration::from_secs(wait), is_newer).await;
    }
    let catalog = catalog.borrow().clone();
    if let Some((status, body)) = catalog.trouble {
        return (StatusCode::from_u16(status).unwrap(), body).into_response();
    }
    let body = match request.uri().path() {
        "/v1/catalog/services" => catalog.services,
        path => {
            let name = path.strip_prefix("/v1/health/service/").unwrap();
            assert_eq!(
                (query["passing"].as_str(), query["filter"].as_str()),
                ("true", "\"mcp\" in Service.Tags")
            );
            catalog.instances.get(name).cloned().unwrap_or(json!([]))
        }
    };
    let headers = [
        ("x-consul-index", catalog.index.to_string()),
        (
            "x-consul-results-filtered-by-acls",
            catalog.is_filtered.to_string(),
        ),
    ];
    (headers, body.to_string()).into_response()
}

fn table(address: SocketAddr) -> Value {
    json!([{"type": "consul", "name": "consul", "url": format!("http://{address}"), "token": TOKEN, "path": "/mcp/shop", "tags": ["found"],
        "interval": 3_600, "upstream": {"failover": {"attempts": 2}}}])
}

/// Those of the documentation, but for the port of the first one.
fn instances(port: u16) -> Value {
    let mut instances: Value = serde_json::from_str(INSTANCES).unwrap();
    instances[0]["Service"]["Port"] = port.into();
    instances
}

#[tokio::test]
async fn services_with_the_tag_are_upstreams_and_changes_are_told() {
    let (far, (consul, address)) = (server().await, Consul::start().await);
    let port = far.address().port();
    let app = gateway(&table(address)).await;
    until("it was looked at", &app, |now| now["seen_at"].is_string()).await;
    // The next look of itself is an hour away: from here on Consul tells.
    consul.change(|catalog| {
        catalog.services = serde_json::from_str(SERVICES).unwrap();
        catalog.instances = BTreeMap::from([("weather".to_owned(), instances(port))]);
    });
    let now = until("the service is found", &app, |now| ids(now) == ["weather"]).await;
    let document = &now["upstreams"][0]["document"];
    assert_eq!(
        document["endpoints"],
        json!([
            {"url": format!("http://127.0.0.1:{port}/mcp/shop"), "weight": 10, "region": "dc1"},
            {"url": "http://127.0.0.2:8000/mcp/shop", "weight": 1, "region": "dc1"},
        ]),
        "an instance without an address has that of its node"
    );
    assert_eq!(
        (
            &document["name"],
            &document["tags"],
            &document["failover"]["attempts"]
        ),
        (&json!("weather"), &json!(["mcp", "v1", "found"]), &json!(2))
    );
    listed(&app, &["add_item", "get_item"]).await;
    let called = app.mcp("i").call("get_item", json!({"id": 7})).await;
    assert_eq!(called["structuredContent"]["path"], "/items/7", "{called}");

    // A check fails: the instance is no endpoint any more.
    consul.change(|catalog| {
        let passing = json!([instances(port)[0]]);
        catalog.instances.insert("weather".to_owned(), passing);
    });
    let count = |now: &Value| {
        now["upstreams"][0]["document"]["endpoints"]
            .as_array()
            .map(Vec::len)
    };
    until("one is left", &app, |now| count(now) == Some(1)).await;
    // Of all of them: rather one that may work than none.
    consul.change(|catalog| catalog.instances.clear());
    let now = until("it is said", &app, |now| now["skipped"][0]["entry"] == "weather").await;
    assert_eq!(count(&now), Some(1));
    // It is not there any more.
    consul.change(|catalog| catalog.services = json!({"consul": []}));
    until("it goes", &app, |now| ids(now).is_empty()).await;
    listed(&app, &[]).await;

    let asked = consul.asked();
    assert!(
        asked
            .iter()
            .any(|uri| uri.starts_with("/v1/health/service/weather?") && uri.contains("index=")),
        "{asked:?}"
    );
    let shown = app.admin().get("/admin/discovery").await.text;
    assert!(!shown.contains(TOKEN), "{shown}");
}

#[tokio::test]
async fn what_consul_does_not_say_takes_nothing_away() {
    let (far, (consul, address)) = (server().await, Consul::start().await);
    let port = far.address().port();
    consul.change(|catalog| {
        catalog.services = serde_json::from_str(SERVICES).unwrap();
        catalog.instances = BTreeMap::from([("weather".to_owned(), instances(port))]);
    });
    let mut tables = table(address);
    tables[0]["interval"] = json!(1);
    let app = gateway(&tables).await;
    listed(&app, &["add_item", "get_item"]).await;
    for (change, expected) in [
        (Some((500, "No cluster leader")), "answered 500"),
        (Some((200, "{\"weather\": 3}")), "is not what Consul answers"),
        (Some((200, "[")), "is not what Consul answers"),
        (None, "may see no such service"),
    ] {
        consul.change(|catalog| {
            catalog.trouble = change.map(|(status, body)| (status, body.to_owned()));
            if change.is_none() {
                (catalog.services, catalog.is_filtered) = (json!({}), true);
            }
        });
        let now = until(expected, &app, |now| {
            now["problem"]
                .as_str()
                .is_some_and(|problem| problem.contains(expected))
        })
        .await;
        assert_eq!(ids(&now), ["weather"]);
    }
    assert_eq!(app.mcp("i").tool_names().await, ["add_item", "get_item"]);
}
