//! Servers of HTTP+SSE of 2024-11-05.

use crate::{
    behaviour::{RESULT, TOOLS},
    server::{Received, Reply, Server, event},
    setup::{call, hub, ready, trouble, until},
};
use http::Method;
use mcp_common::definition::upstream::UpstreamTransport;
use mcp_core::upstream::{State, UpstreamError};
use serde_json::{Value, json};
use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};
use tokio::sync::mpsc::{self, UnboundedSender};

/// The streams that were opened, the last one last.
type Streams = Arc<Mutex<Vec<UnboundedSender<String>>>>;

fn endpoint(to: &str) -> String {
    format!("event: endpoint\ndata: {to}\n\n")
}

fn taken() -> Reply {
    Reply::With(202, Vec::new(), "Accepted".to_owned())
}

fn nobody() -> Reply {
    Reply::With(404, Vec::new(), "Could not find session".to_owned())
}

/// What a server answers on the stream; `None` to what has no answer.
fn result(received: &Received) -> Option<String> {
    let answer = match received.rpc() {
        "initialize" => received.result(
            &json!({"protocolVersion": "2024-11-05", "capabilities": {"tools": {}},
                "serverInfo": {"name": "older", "version": "1"}})
            .to_string(),
        ),
        "tools/list" => received.result(&format!("{{\"tools\":{TOOLS}}}")),
        "tools/call" => received.result(&format!("{RESULT}}}")),
        "" => return None,
        name if name.starts_with("notifications/") => return None,
        _ => received.error(-32601, &Value::Null),
    };
    Some(answer)
}

/// A server whose stream is at `/sse`; each stream has its number in the URL for messages.
pub(crate) async fn server(
    on_post: impl Fn(&Received, &Streams) -> Option<Reply> + Send + Sync + 'static,
) -> (Server, Streams) {
    let streams = Streams::default();
    let own = streams.clone();
    let server = Server::start(move |received| {
        let mut all = own.lock().unwrap();
        let current = format!("/messages/{}", all.len());
        match (&received.method, &*received.path) {
            (&Method::GET, "/sse") => {
                let (sender, receiver) = mpsc::unbounded_channel();
                sender.send(": hello\n\n".to_owned()).unwrap();
                sender
                    .send(endpoint(&format!("/messages/{}?x=1", all.len() + 1)))
                    .unwrap();
                all.push(sender);
                Reply::Events(Vec::new(), receiver)
            }
            (&Method::POST, "/sse") => Reply::With(405, Vec::new(), String::new()),
            (&Method::POST, path) if path == current => {
                drop(all);
                if let Some(reply) = on_post(received, &own) {
                    return reply;
                }
                if let Some(text) = result(received) {
                    let all = own.lock().unwrap();
                    let _ = all.last().unwrap().send(event(&text));
                }
                taken()
            }
            _ => nobody(),
        }
    })
    .await;
    (server, streams)
}

fn document(server: &Server) -> Value {
    json!({"url": format!("http://{}/sse", server.address), "headers": {"X-Team": "a"}})
}

#[tokio::test]
async fn an_older_server_is_found_out_by_itself() {
    let (server, _streams) = server(|_, _| None).await;
    let hub = hub(&document(&server));
    let inventory = ready(&hub).await;
    assert_eq!(inventory.protocol, "2024-11-05");
    assert_eq!(hub.status("u").unwrap().transport, Some(UpstreamTransport::Sse));
    assert_eq!(
        call(&hub, "get", "{}").await.unwrap(),
        format!("{RESULT}}}"),
        "every byte of it"
    );
    let called = server.last("tools/call");
    assert_eq!(
        (&*called.path, called.header("x-team"), called.header("via")),
        ("/messages/1", "a", "1.1 dynmcp-test")
    );
    let (one, other) = tokio::join!(call(&hub, "get", "{}"), call(&hub, "get", "{}"));
    assert!(one.is_ok() && other.is_ok(), "{one:?} {other:?}");
    hub.close().await;
}

#[tokio::test]
async fn what_was_said_to_be_one_transport_is_not_tried_as_another() {
    let (server, _streams) = server(|_, _| None).await;
    let mut said = document(&server);
    said["transport"] = "streamable_http".into();
    let streamable = hub(&said);
    let error = trouble(&streamable).await;
    assert!(error.contains("the HTTP status 405"), "{error}");
    assert!(!error.contains("2024-11-05"), "{error}");
    assert_eq!(server.count("GET"), 0);
    said["transport"] = "sse".into();
    let old = hub(&said);
    ready(&old).await;
    assert_eq!(
        server.story().iter().filter(|told| *told == "GET").count(),
        1,
        "{:?}",
        server.story()
    );
    streamable.close().await;
    old.close().await;
}

#[tokio::test]
async fn what_is_neither_is_said_to_be_neither() {
    let server = Server::start(|_| Reply::With(404, Vec::new(), String::new())).await;
    let hub = hub(&document(&server));
    let error = trouble(&hub).await;
    let both = "the server answered with the HTTP status 404; nor is it HTTP+SSE of 2024-11-05: the server answered with \
                the HTTP status 404";
    assert_eq!(error, both);
    hub.close().await;
}

#[tokio::test]
async fn streams_that_begin_otherwise_are_refused() {
    let cases: [(&[String], &str); 3] = [
        (
            &[endpoint("https://elsewhere.example/messages")],
            "wants messages to be posted to another place than http://127.0.0.1",
        ),
        (
            &[event("{}")],
            "begins with something else than the URL for messages",
        ),
        (&[endpoint("http://[")], "the server's URL for messages is none"),
    ];
    for (first, expected) in cases {
        let first = first.to_vec();
        let server = Server::start(move |received| match received.method {
            Method::GET => crate::server::events(&first),
            _ => nobody(),
        })
        .await;
        let mut document = document(&server);
        document["transport"] = "sse".into();
        let hub = hub(&document);
        let error = trouble(&hub).await;
        assert!(error.contains(expected), "{error}");
        hub.close().await;
    }
}

#[tokio::test]
async fn a_silent_stream_is_given_up() {
    let server = Server::start(|received| match received.method {
        Method::GET => {
            let (sender, receiver) = mpsc::unbounded_channel();
            std::mem::forget(sender);
            Reply::Events(Vec::new(), receiver)
        }
        _ => nobody(),
    })
    .await;
    let mut document = document(&server);
    document["timeouts"] = json!({"handshake_ms": 300});
    let hub = hub(&document);
    let error = trouble(&hub).await;
    assert!(error.contains("`timeouts.handshake_ms`"), "{error}");
    hub.close().await;
}

#[tokio::test]
async fn a_stream_that_ends_in_a_call_fails_the_call_and_is_opened_anew() {
    let (server, _streams) = server(|received, streams| {
        (received.rpc() == "tools/call" && received.message["params"]["arguments"]["end"] == true).then(
            || {
                if let Some(last) = streams.lock().unwrap().last_mut() {
                    *last = mpsc::unbounded_channel().0;
                }
                taken()
            },
        )
    })
    .await;
    let hub = hub(&document(&server));
    ready(&hub).await;
    let error = call(&hub, "get", r#"{"end":true}"#).await.unwrap_err();
    assert!(matches!(error, UpstreamError::Ended(_)), "{error}");
    assert_eq!(error.to_string(), "the server's stream ended");
    until(&hub, "another stream", || {
        let opened = server
            .received()
            .into_iter()
            .filter(|received| received.path == "/sse" && received.method == Method::GET);
        opened.count() == 2 && hub.status("u").unwrap().state == State::Ready
    })
    .await;
    assert!(call(&hub, "get", "{}").await.is_ok());
    hub.close().await;
}

#[tokio::test]
async fn a_forgotten_session_is_begun_anew_and_the_call_is_made_again() {
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = calls.clone();
    let (server, streams) = server(move |received, _| {
        let is_first = received.rpc() == "tools/call" && counted.fetch_add(1, Ordering::Relaxed) == 0;
        is_first.then(nobody)
    })
    .await;
    let hub = hub(&document(&server));
    ready(&hub).await;
    assert_eq!(call(&hub, "get", "{}").await.unwrap(), format!("{RESULT}}}"));
    assert_eq!(calls.load(Ordering::Relaxed), 2);
    assert_eq!(server.last("tools/call").path, "/messages/2");
    assert_eq!(streams.lock().unwrap().len(), 2);
    hub.close().await;
}

#[tokio::test]
async fn a_message_that_is_too_large_ends_the_stream_and_says_why() {
    let (server, _streams) = server(|received, streams| {
        (received.rpc() == "tools/call").then(|| {
            let text = received.result(&format!("\"{}\"", "x".repeat(5_000)));
            let _ = streams.lock().unwrap().last().unwrap().send(event(&text));
            taken()
        })
    })
    .await;
    let mut document = document(&server);
    document["limits"] = json!({"max_response_bytes": 4_000});
    let hub = hub(&document);
    ready(&hub).await;
    let error = call(&hub, "get", "{}").await.unwrap_err().to_string();
    assert!(
        error.contains("more than 4000 bytes at once (`limits.max_response_bytes`)"),
        "{error}"
    );
    hub.close().await;
}
