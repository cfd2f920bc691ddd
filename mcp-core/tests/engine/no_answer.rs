//! Those who do not answer: they are named, they are tried again where that is safe, and nobody else waits for them.

use crate::{
    calling::{call, call_text, text, with},
    credentials::SecretDir,
    explaining::explain,
    upstream::{Server, read_request, serve, silent},
};
use http::Response;
use http_body_util::Full;
use mcp_core::{
    engine::{Engine, EngineServices, EngineSettings, Outcome, Tokens},
    tool::CompiledTool,
};
use serde_json::{Value, json};
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    sync::Notify,
};

/// Long enough for what ends by itself, and short enough to notice what does not.
const PATIENCE: Duration = Duration::from_secs(20);

fn impatient(dir: &SecretDir) -> Engine {
    Engine::new(
        EngineSettings::default(),
        EngineServices {
            secrets: dir.secrets(),
            tokens: Tokens::within(Duration::from_millis(100)),
            ..EngineServices::default()
        },
    )
}

fn authorized(api: &str, token_endpoint: &str, dir: &SecretDir, timeout_ms: u64) -> CompiledTool {
    let auth = json!({"type": "oauth2_client_credentials", "token_url": format!("{token_endpoint}/token"), "client_id": "i",
        "client_secret": dir.reference("token")});
    let binding = json!({"auth": auth, "timeout_ms": timeout_ms});
    with(api, "GET", "/", &json!({}), &binding)
}

fn host(origin: &str) -> &str {
    origin.strip_prefix("http://").unwrap()
}

#[tokio::test]
async fn a_silent_token_endpoint_is_given_up_before_the_call_and_named() {
    let dir = SecretDir::new("silent");
    let (endpoint, _events) = silent().await;
    let api = Server::start().await;
    let tool = authorized(&api.origin, &endpoint, &dir, 3_600_000);
    let engine = impatient(&dir);
    let expected = format!(
        "No token: the token endpoint at {} gave no complete answer within 100ms.",
        host(&endpoint)
    );
    let result = tokio::time::timeout(PATIENCE, call_text(&engine, &tool, "{}"))
        .await
        .unwrap();
    assert_eq!((result.outcome, text(&result)), (Outcome::Timeout, expected));
    let explanation = tokio::time::timeout(PATIENCE, explain(&engine, &tool, "{}", true))
        .await
        .unwrap();
    assert_eq!(explanation.sent.unwrap().result.outcome, "timeout");
    assert!(api.seen().is_empty());
}

#[tokio::test]
async fn a_call_that_ends_while_it_waits_for_a_token_says_so_and_the_others_get_it() {
    let dir = SecretDir::new("slow");
    let asked = Arc::new(AtomicUsize::new(0));
    let may_answer = Arc::new(Notify::new());
    let (counter, awaited) = (asked.clone(), may_answer.clone());
    let endpoint = serve(move |mut stream| {
        let (counter, awaited) = (counter.clone(), awaited.clone());
        async move {
            let _ = read_request(&mut stream).await;
            counter.fetch_add(1, Ordering::SeqCst);
            awaited.notified().await;
            let body = r#"{"access_token":"t","expires_in":3600}"#;
            let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len());
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    })
    .await;
    let api = Server::start().await;
    let engine = dir.engine();
    let hasty = authorized(&api.origin, &endpoint, &dir, 50);
    let result = call_text(&engine, &hasty, "{}").await;
    let expected = format!(
        "No token: the token endpoint at {} gave no complete answer within 50ms.",
        host(&endpoint)
    );
    assert_eq!((result.outcome, text(&result)), (Outcome::Timeout, expected));
    may_answer.notify_one();
    let patient = authorized(&api.origin, &endpoint, &dir, 15_000);
    assert!(!call_text(&engine, &patient, "{}").await.is_error);
    assert_eq!(api.take().header("authorization"), Some("Bearer t"));
    assert_eq!(asked.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn where_a_redirect_leads_is_named_not_where_it_began() {
    let (target, _events) = silent().await;
    let location = format!("{target}/x");
    let api = Server::answering(move |_| {
        let response = Response::builder().status(302).header("location", &location);
        response.body(Full::default()).unwrap()
    })
    .await;
    let binding = json!({"redirect": {"follow": 1, "same_origin_only": false}, "timeout_ms": 100});
    let result = call(&with(&api.origin, "GET", "/", &json!({}), &binding), &json!({})).await;
    let expected = format!("{} gave no complete answer within 100ms.", host(&target));
    assert_eq!((result.outcome, text(&result)), (Outcome::Timeout, expected));
}

#[tokio::test]
async fn a_port_of_tls_that_is_asked_without_is_said_to_be_one() {
    let origin = serve(|mut stream| async move {
        let _ = stream.read(&mut [0; 4096]).await;
        // A record of TLS, which says that what came was none.
        let _ = stream.write_all(&[0x15, 3, 3, 0, 2, 2, 50]).await;
    })
    .await;
    let result = call(&with(&origin, "GET", "/", &json!({}), &json!({})), &json!({})).await;
    let said = text(&result);
    assert!(
        said.contains("answered something that is not HTTP")
            && said.ends_with("; the port speaks something else than HTTP: is it https?"),
        "{said}"
    );
}

/// How often a server that begins no TLS is called, and what the last result is.
async fn without_tls(hangs: bool, more: Value) -> (usize, Outcome, String) {
    let connections = Arc::new(AtomicUsize::new(0));
    let counter = connections.clone();
    let origin = serve(move |mut stream| {
        counter.fetch_add(1, Ordering::SeqCst);
        async move {
            let mut hello = [0; 4096];
            let _ = stream.read(&mut hello).await;
            if hangs {
                let _ = stream.read(&mut hello).await;
            }
        }
    })
    .await;
    let mut binding = json!({"connect_timeout_ms": 200});
    for (name, value) in more.as_object().unwrap() {
        binding[name] = value.clone();
    }
    let origin = origin.replace("http://", "https://");
    let result = call(&with(&origin, "GET", "/", &json!({}), &binding), &json!({})).await;
    let connections = connections.load(Ordering::SeqCst);
    (connections, result.outcome, text(&result))
}

#[tokio::test]
async fn a_connection_that_does_not_come_about_is_tried_again() {
    let retry = json!({"retry": {"max": 2, "backoff": {"base_ms": 1, "max_ms": 5}}});
    for (hangs, outcome, expected) in [
        (true, Outcome::Timeout, "within 200ms"),
        (false, Outcome::Connect, "The TLS handshake with 127.0.0.1:"),
    ] {
        for (more, connections) in [
            (&retry, 3),
            (&json!({}), 1),
            (&json!({"retry": {"max": 2, "on": [503]}}), 1),
        ] {
            let (seen, ended, said) = without_tls(hangs, more.clone()).await;
            assert_eq!((seen, ended), (connections, outcome), "{more}: {said}");
            assert!(said.contains(expected), "{said}");
        }
    }
    let short = json!({"retry": {"max": 10}, "connect_timeout_ms": 10_000, "timeout_ms": 100});
    let (seen, ended, said) = without_tls(true, short).await;
    assert_eq!((seen, ended), (1, Outcome::Timeout), "{said}");
    assert!(said.ends_with("gave no complete answer within 100ms."), "{said}");
}
