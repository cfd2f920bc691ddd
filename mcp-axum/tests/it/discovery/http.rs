//! `http_polling`.

use super::{gateway, ids, listed, server, until};
use crate::test_app::DEADLINE;
use axum::{
    Router,
    extract::{Request, State},
    response::{IntoResponse, Response},
};
use reqwest::StatusCode;
use serde_json::{Value, json};
use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};
use tokio::net::TcpListener;

/// What the registry answers, and what it was asked.
#[derive(Default)]
struct Registry {
    document: Mutex<(u16, String)>,
    asked: Mutex<Vec<(String, Option<String>, u16)>>,
}

impl Registry {
    async fn start() -> (Arc<Self>, SocketAddr) {
        let registry = Arc::<Self>::default();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().fallback(answer).with_state(registry.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        (registry, address)
    }

    fn set(&self, status: u16, document: &str) {
        *self.document.lock().unwrap() = (status, document.to_owned());
    }

    fn asked(&self) -> Vec<(String, Option<String>, u16)> {
        self.asked.lock().unwrap().clone()
    }
}

async fn answer(State(registry): State<Arc<Registry>>, request: Request) -> Response {
    let header = |name: &str| {
        request
            .headers()
            .get(name)
            .map(|value| value.to_str().unwrap().to_owned())
    };
    let (status, document) = registry.document.lock().unwrap().clone();
    let etag = format!("\"{}\"", document.len());
    let answered = match request.uri().path() {
        "/moved" => (
            StatusCode::FOUND,
            [("location", "/list".to_owned())],
            String::new(),
        )
            .into_response(),
        _ if header("authorization").as_deref() != Some("Bearer of-the-registry") => {
            StatusCode::UNAUTHORIZED.into_response()
        }
        _ if status == 200 && header("if-none-match").as_deref() == Some(&etag) => {
            StatusCode::NOT_MODIFIED.into_response()
        }
        _ => (StatusCode::from_u16(status).unwrap(), [("etag", etag)], document).into_response(),
    };
    let entry = (
        request.uri().path().to_owned(),
        header("if-none-match"),
        answered.status().as_u16(),
    );
    registry.asked.lock().unwrap().push(entry);
    answered
}

fn table(address: SocketAddr) -> Value {
    json!([{"type": "http_polling", "name": "registry", "url": format!("http://{address}/moved"), "token": "of-the-registry",
        "interval": 1, "timeout": 2, "tags": ["found"], "max_bytes": 10_000}])
}

#[tokio::test]
async fn a_document_is_polled_by_its_etag_and_kept_while_it_is_away() {
    let (far, (registry, address)) = (server().await, Registry::start().await);
    let document = json!({"servers": [{"name": "far", "url": far.url("/mcp/shop")},
        {"name": "program", "url": "x", "command": "sh"}]});
    registry.set(200, &document.to_string());
    let app = gateway(&table(address)).await;
    listed(&app, &["add_item", "get_item"]).await;
    let start = Instant::now();
    while !registry
        .asked()
        .iter()
        .any(|(_, known, status)| known.is_some() && *status == 304)
    {
        assert!(start.elapsed() < DEADLINE, "{:?}", registry.asked());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let shown = app.admin().get("/admin/discovery").await.text;
    assert!(!shown.contains("of-the-registry"), "{shown}");

    registry.set(500, "out of order");
    let now = until("it is away", &app, |now| now["problem"].is_string()).await;
    assert!(
        now["problem"]
            .as_str()
            .unwrap()
            .ends_with("answered 500 Internal Server Error"),
        "{now}"
    );
    assert_eq!(app.mcp("i").tool_names().await, ["add_item", "get_item"]);
    registry.set(200, &format!("{{\"servers\": [\"{}\"]}}", "x".repeat(10_000)));
    until("it is too large", &app, |now| {
        now["problem"]
            .as_str()
            .is_some_and(|problem| problem.contains("more than 10000 bytes"))
    })
    .await;
    registry.set(
        200,
        &json!({"servers": [{"name": "else", "url": "http://127.0.0.1:9/mcp"}]}).to_string(),
    );
    until("it is another one", &app, |now| ids(now) == ["else"]).await;
    listed(&app, &[]).await;
}

#[tokio::test]
async fn what_a_stranger_lists_starts_no_program_and_learns_no_secret() {
    let (registry, address) = Registry::start().await;
    let secret = json!({"type": "bearer", "credential": "${env:DYNMCP_SECRET_X}"});
    let document = json!({"upstreams": [{"id": "program", "command": "sh"}, {"id": "thief", "url": "http://127.0.0.1:9/mcp", "auth": secret},
        {"id": "plain", "url": "http://127.0.0.1:9/mcp"}]});
    registry.set(200, &document.to_string());
    let app = gateway(&table(address)).await;
    let now = until("one is found", &app, |now| ids(now) == ["plain"]).await;
    let reasons: Vec<_> = now["skipped"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["reason"].to_string())
        .collect();
    assert!(
        reasons[0].contains("start a program") && reasons[1].contains("refer to secrets"),
        "{reasons:?}"
    );
}
