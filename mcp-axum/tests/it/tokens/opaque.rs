//! Tokens that say nothing by themselves: their issuer is asked.

use super::{DESK, holder, signer::encoded};
use crate::test_app::{McpClient, TestApp};
use axum::{
    Router,
    extract::State,
    http::{HeaderMap, StatusCode},
    routing::post,
};
use serde_json::{Value, json};
use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use tokio::{net::TcpListener, task::JoinHandle};

/// Answers about tokens; ends when dropped.
struct Issuer {
    url: String,
    shared: Arc<Shared>,
    server: JoinHandle<()>,
}

#[derive(Default)]
struct Shared {
    answers: Mutex<HashMap<String, String>>,
    asked: AtomicUsize,
    delay: Mutex<Duration>,
}

impl Issuer {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let shared = Arc::new(Shared::default());
        let router = Router::new()
            .route("/introspect", post(answer))
            .with_state(shared.clone());
        let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, shared, server }
    }

    fn says(&self, token: &str, answer: impl ToString) {
        self.shared
            .answers
            .lock()
            .unwrap()
            .insert(token.to_owned(), answer.to_string());
    }

    fn asked(&self) -> usize {
        self.shared.asked.load(Ordering::SeqCst)
    }
}

impl Drop for Issuer {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn answer(State(shared): State<Arc<Shared>>, headers: HeaderMap, form: String) -> (StatusCode, String) {
    shared.asked.fetch_add(1, Ordering::SeqCst);
    let own = format!("Basic {}", encoded("gateway:s%3Aecret"));
    let shown = headers
        .get("authorization")
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    if shown.trim_end_matches('=') != own {
        return (StatusCode::UNAUTHORIZED, "{}".to_owned());
    }
    let delay = *shared.delay.lock().unwrap();
    tokio::time::sleep(delay).await;
    let token = form
        .split('&')
        .find_map(|field| field.strip_prefix("token="))
        .unwrap();
    let token = percent_encoding::percent_decode_str(token).decode_utf8().unwrap();
    let answer = shared.answers.lock().unwrap().get(&*token).cloned();
    (
        StatusCode::OK,
        answer.unwrap_or_else(|| "{\"active\": false}".to_owned()),
    )
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

fn good() -> Value {
    json!({"active": true, "sub": "4711", "aud": DESK, "exp": now() + 300, "scope": "mcp:tools", "groups": ["reader"]})
}

fn with(member: &str, value: Value) -> Value {
    let mut answer = good();
    answer[member] = value;
    answer
}

async fn gateway(issuer: &str, cache_seconds: u32) -> TestApp {
    patient(issuer, cache_seconds, 400).await
}

/// The same where requests wait for so many milliseconds.
async fn patient(issuer: &str, cache_seconds: u32, timeout_ms: u32) -> TestApp {
    let issuers = json!([{
        "name": "acme", "issuer": issuer, "endpoint": format!("{issuer}/introspect"), "client_id": "gateway",
        "client_secret": "s:ecret", "roles": "groups", "cache_seconds": cache_seconds, "timeout_ms": timeout_ms,
    }]);
    let app = TestApp::with(&[
        ("app.authenticators", "api_key,introspection"),
        ("app.public_url", super::PUBLIC),
        ("authenticator.introspection.issuers", &issuers.to_string()),
    ])
    .await;
    let tool = json!({
        "name": "get_order", "description": "Says its name.", "input_schema": {"type": "object"},
        "static": {"content": [{"type": "text", "text": "get_order"}]},
    });
    app.admin().put("/admin/tds/get_order", &tool).await.ok();
    app.put_instance("desk", &["get_order"]).await;
    app.put_instance("other", &["get_order"]).await;
    let role = json!({"allow": [{"actions": ["*"]}]});
    app.admin().put("/admin/roles/reader", &role).await.ok();
    app
}

async fn status(app: &TestApp, token: &str, instance: &str) -> u16 {
    let client = McpClient::new(holder(app, token), instance);
    client.modern("tools/list", json!({})).await.status
}

#[tokio::test]
async fn a_token_is_good_if_its_issuer_says_so_and_only_for_what_it_is_for() {
    let issuer = Issuer::start().await;
    let app = gateway(&issuer.url, 30).await;
    issuer.says("good", good());
    for (token, answer) in [
        ("nobody's", json!({"active": false})),
        (
            "for-another",
            with("aud", json!("https://gateway.example.com/mcp/other")),
        ),
        ("for-nobody", with("aud", Value::Null)),
        ("ended", with("exp", json!(now() - 1))),
        ("without-an-end", with("exp", Value::Null)),
        ("of-nobody", with("sub", json!(""))),
    ] {
        issuer.says(token, &answer);
        assert_eq!(status(&app, token, "desk").await, 401, "{token}");
    }
    issuer.says("without-roles", with("groups", json!([])));
    assert_eq!(status(&app, "without-roles", "desk").await, 403);
    assert_eq!(status(&app, "good", "desk").await, 200);
    assert_eq!(status(&app, "good", "other").await, 401);
    // Keys are keys beside it, and their issuer hears nothing of them.
    let before = issuer.asked();
    assert_eq!(status(&app, app.user_key(), "desk").await, 200);
    app.admin().get("/admin/tds").await.ok();
    let key = app
        .admin()
        .send(
            app.admin()
                .request(reqwest::Method::POST, "/admin/keys")
                .json(&json!({"instances": ["desk"]})),
        )
        .await
        .ok()
        .data();
    let (id, key) = (key["id"].as_str().unwrap(), key["key"].as_str().unwrap());
    assert_eq!(status(&app, key, "desk").await, 200);
    assert_eq!(issuer.asked(), before);
    // Nor of one that is gone, mistyped or cut off, nor of whatever is shown as a key.
    app.admin().delete(&format!("/admin/keys/{id}")).await.ok();
    let (cut, _) = key.rsplit_once('_').unwrap();
    for shown in [
        key.to_owned(),
        cut.to_owned(),
        format!("{cut}_00000000"),
        key.replace(id, "another"),
    ] {
        issuer.says(&shown, good());
        assert_eq!(status(&app, &shown, "desk").await, 401, "{shown}");
    }
    for client in [
        app.anonymous().with_header("x-api-key", "good"),
        holder(&app, "good").with_header("x-api-key", "good"),
    ] {
        let refused = McpClient::new(client, "desk")
            .modern("tools/list", json!({}))
            .await;
        assert_eq!(refused.status, 401, "{}", refused.text);
    }
    assert_eq!(issuer.asked(), before);
    // What is no token is not asked about.
    for odd in ["", "a b", "\u{e9}", &"x".repeat(5000)] {
        assert_eq!(status(&app, odd, "desk").await, 401);
    }
    assert_eq!(issuer.asked(), before);
    let challenge = McpClient::new(app.anonymous(), "desk")
        .modern("tools/list", json!({}))
        .await;
    assert!(
        challenge
            .header("www-authenticate")
            .unwrap()
            .contains("resource_metadata=")
    );
}

#[tokio::test]
async fn what_an_issuer_said_is_remembered_for_a_moment_and_never_longer_than_the_token_lives() {
    let issuer = Issuer::start().await;
    let app = gateway(&issuer.url, 30).await;
    issuer.says("good", good());
    issuer.says("soon", with("exp", json!(now() + 2)));
    for _ in 0..5 {
        assert_eq!(status(&app, "good", "desk").await, 200);
        assert_eq!(status(&app, "bad", "desk").await, 401);
    }
    assert_eq!(status(&app, "soon", "desk").await, 200);
    assert_eq!(issuer.asked(), 3);
    issuer.says("soon", json!({"active": false}));
    let mut code = 200;
    for _ in 0..100 {
        code = status(&app, "soon", "desk").await;
        if code != 200 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(code, 401);
    // With nothing remembered a token that was taken back ends at once.
    let strict = gateway(&issuer.url, 0).await;
    assert_eq!(status(&strict, "good", "desk").await, 200);
    issuer.says("good", json!({"active": false}));
    assert_eq!(status(&strict, "good", "desk").await, 401);
    assert_eq!(status(&app, "good", "desk").await, 200, "it is remembered there");
}

#[tokio::test]
async fn an_issuer_that_does_not_say_lets_nobody_in() {
    let issuer = Issuer::start().await;
    let app = gateway(&issuer.url, 0).await;
    for (token, answer) in [
        ("no-json", "nonsense".to_owned()),
        ("no-word", "{}".to_owned()),
        ("a-text", json!({"active": "true"}).to_string()),
        ("a-list", json!([true]).to_string()),
        (
            "another-issuer",
            with("iss", json!("https://other.example.com")).to_string(),
        ),
        (
            "endless",
            format!("{{\"active\": true, \"x\": \"{}\"}}", "x".repeat(100_000)),
        ),
    ] {
        issuer.says(token, answer);
        assert_eq!(status(&app, token, "desk").await, 503, "{token}");
    }
    issuer.says("good", good());
    *issuer.shared.delay.lock().unwrap() = Duration::from_secs(5);
    assert_eq!(status(&app, "good", "desk").await, 503, "too slow");
    assert_eq!(
        status(&app, app.user_key(), "desk").await,
        200,
        "keys are good meanwhile"
    );
    *issuer.shared.delay.lock().unwrap() = Duration::ZERO;
    assert_eq!(status(&app, "good", "desk").await, 200);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let nowhere = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let app = gateway(&nowhere, 30).await;
    assert_eq!(status(&app, "good", "desk").await, 503, "nobody is there");
}

#[tokio::test]
async fn who_waits_for_a_place_to_ask_hears_what_was_answered_meanwhile() {
    let issuer = Issuer::start().await;
    let app = patient(&issuer.url, 30, 30_000).await;
    issuer.says("good", good());
    *issuer.shared.delay.lock().unwrap() = Duration::from_millis(500);
    let client = McpClient::new(holder(&app, "good"), "desk");
    let all = (0..64).map(|_| client.modern("tools/list", json!({})));
    for answer in futures_util::future::join_all(all).await {
        assert_eq!(answer.status, 200, "{}", answer.text);
    }
    let asked = issuer.asked();
    assert!((1..=32).contains(&asked), "there are 32 places: {asked}");
}
