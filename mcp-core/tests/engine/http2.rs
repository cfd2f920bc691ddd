//! Upstreams that speak HTTP/2: one connection for many calls.

use crate::{
    calling::{call_text, text, with},
    tls_server::Authority,
};
use bytes::Bytes;
use h2::{
    Reason, RecvStream,
    server::{self, SendResponse},
};
use http::{HeaderMap, Request, Response};
use mcp_core::{
    engine::{Engine, EngineServices, EngineSettings, Outcome},
    tls_material::TrustRoots,
};
use serde_json::json;
use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// What upstreams allow here at once.
const STREAMS: u32 = 4;

/// Does what the path of a request says.
struct Http2 {
    origin: String,
    engine: Engine,
    seen: Arc<Seen>,
}

#[derive(Default)]
struct Seen {
    connections: AtomicUsize,
    requests: Mutex<Vec<String>>,
    at_once: AtomicUsize,
    most_at_once: AtomicUsize,
}

impl Http2 {
    async fn start() -> Self {
        let authority = Authority::new();
        let acceptor = TlsAcceptor::from(Arc::new(authority.server_config("localhost", &[b"h2"], None)));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("https://localhost:{}", listener.local_addr().unwrap().port());
        let seen = Arc::new(Seen::default());
        let memory = seen.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let number = memory.connections.fetch_add(1, Ordering::Relaxed);
                let (acceptor, seen) = (acceptor.clone(), memory.clone());
                tokio::spawn(async move {
                    let stream = acceptor.accept(stream).await.unwrap();
                    let builder = server::Builder::new()
                        .max_concurrent_streams(STREAMS)
                        .handshake(stream);
                    let mut connection: server::Connection<_, Bytes> = builder.await.unwrap();
                    while let Some(Ok((request, respond))) = connection.accept().await {
                        let path = request.uri().path().to_owned();
                        let line = format!("{} {path} {number}", request.method());
                        seen.requests.lock().unwrap().push(line);
                        match path.as_str() {
                            "/goaway" => connection.graceful_shutdown(),
                            "/refused" if number == 0 => {
                                connection.abrupt_shutdown(Reason::NO_ERROR);
                                continue;
                            }
                            _ => {}
                        }
                        tokio::spawn(answer(path, request, respond, seen.clone()));
                    }
                });
            }
        });
        let engine = Engine::new(
            EngineSettings::default(),
            EngineServices {
                trust: TrustRoots::only([authority.der()]),
                ..EngineServices::default()
            },
        );
        Self { origin, engine, seen }
    }

    async fn call(&self, method: &str, path: &str, more: serde_json::Value) -> (Outcome, String) {
        let tool = with(&self.origin, method, path, &json!({}), &more);
        let result = call_text(&self.engine, &tool, "{}").await;
        (result.outcome, text(&result))
    }

    fn connections(&self) -> usize {
        self.seen.connections.load(Ordering::Relaxed)
    }

    fn requests(&self) -> Vec<String> {
        std::mem::take(&mut *self.seen.requests.lock().unwrap())
    }
}

async fn answer(
    path: String,
    mut request: Request<RecvStream>,
    mut respond: SendResponse<Bytes>,
    seen: Arc<Seen>,
) {
    let now = seen.at_once.fetch_add(1, Ordering::Relaxed) + 1;
    seen.most_at_once.fetch_max(now, Ordering::Relaxed);
    let response = Response::builder()
        .header("content-type", "text/plain")
        .body(())
        .unwrap();
    match path.as_str() {
        "/slow" => tokio::time::sleep(Duration::from_millis(20)).await,
        "/stuck" => return tokio::time::sleep(Duration::from_secs(60)).await,
        "/reset" => respond.send_reset(Reason::REFUSED_STREAM),
        _ => {}
    }
    let mut size = 0;
    while let Some(Ok(chunk)) = request.body_mut().data().await {
        size += chunk.len();
        let _ = request.body_mut().flow_control().release_capacity(chunk.len());
    }
    seen.at_once.fetch_sub(1, Ordering::Relaxed);
    let Ok(mut stream) = respond.send_response(response, false) else {
        return;
    };
    match path.as_str() {
        "/trailers" => {
            stream.send_data(Bytes::from_static(b"one "), false).unwrap();
            stream.send_data(Bytes::from_static(b"two"), false).unwrap();
            let mut trailers = HeaderMap::new();
            trailers.insert("grpc-status", "0".parse().unwrap());
            stream.send_trailers(trailers).unwrap();
        }
        "/endless" => loop {
            stream.reserve_capacity(16 << 10);
            let capacity = std::future::poll_fn(|context| stream.poll_capacity(context)).await;
            let Some(Ok(capacity)) = capacity else { return };
            if stream
                .send_data(Bytes::from(vec![b'x'; capacity]), false)
                .is_err()
            {
                return;
            }
        },
        _ => {
            let text = format!("read {size}");
            let _ = stream.send_data(Bytes::from(text), true);
        }
    }
}

#[tokio::test]
async fn many_calls_share_one_connection_within_the_limit_of_the_upstream() {
    let server = Http2::start().await;
    assert_eq!(server.call("GET", "/", json!({})).await.1, "read 0");
    let calls = (0..40).map(|_| server.call("GET", "/slow", json!({})));
    for (outcome, text) in futures_util::future::join_all(calls).await {
        assert_eq!((outcome, text.as_str()), (Outcome::Ok, "read 0"));
    }
    assert_eq!(server.connections(), 1);
    let most = server.seen.most_at_once.load(Ordering::Relaxed);
    assert!((2..=STREAMS as usize).contains(&most), "{most} at once");
}

#[tokio::test]
async fn a_call_that_waits_for_its_turn_is_bounded_by_its_own_timeout() {
    let server = Http2::start().await;
    let body = json!({"body": {"template": "x".repeat(100_000)}, "timeout_ms": 30_000});
    // More than one window of flow control.
    assert_eq!(server.call("POST", "/", body).await.1, "read 100002");
    // A few: many streams that are given up at once look like an attack to servers.
    let stuck = (0..8).map(|_| server.call("GET", "/stuck", json!({"timeout_ms": 500})));
    for (outcome, text) in futures_util::future::join_all(stuck).await {
        assert_eq!(outcome, Outcome::Timeout, "{text}");
    }
    // Those that were given up hold nobody up.
    assert_eq!(server.call("GET", "/", json!({})).await.1, "read 0");
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn an_answer_may_have_trailers_and_has_its_bound() {
    let server = Http2::start().await;
    assert_eq!(server.call("GET", "/trailers", json!({})).await.1, "one two");
    let bound = json!({"limits": {"max_response_bytes": "1MiB"}});
    let (outcome, text) = server.call("GET", "/endless", bound).await;
    assert_eq!(outcome, Outcome::TooLarge, "{text}");
    // Only that stream ended.
    assert_eq!(server.call("GET", "/trailers", json!({})).await.1, "one two");
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn a_connection_that_says_goodbye_is_replaced() {
    let server = Http2::start().await;
    assert_eq!(server.call("POST", "/goaway", json!({})).await.1, "read 0");
    for _ in 0..3 {
        assert_eq!(server.call("POST", "/", json!({})).await.1, "read 0");
    }
    assert_eq!(
        server.requests(),
        ["POST /goaway 0", "POST / 1", "POST / 1", "POST / 1"]
    );
}

#[tokio::test]
async fn what_was_sent_is_sent_again_only_where_the_definition_says_so() {
    for path in ["/refused", "/reset"] {
        let server = Http2::start().await;
        let (outcome, text) = server.call("POST", path, json!({})).await;
        assert_eq!(outcome, Outcome::Connect, "{text}");
        assert_eq!(server.requests(), [format!("POST {path} 0")]);
    }
    let server = Http2::start().await;
    let retry = json!({"retry": {"max": 2, "on": ["connect"], "backoff": {"base_ms": 1, "max_ms": 1}}});
    assert_eq!(server.call("GET", "/refused", retry).await.1, "read 0");
    assert_eq!(server.requests(), ["GET /refused 0", "GET /refused 1"]);
}
