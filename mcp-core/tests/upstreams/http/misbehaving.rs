//! Servers that do something else than the protocol says, or are not there.

use crate::{
    behaviour::{RESULT, TOOLS, legacy, modern},
    server::{Reply, Server, event, events},
    setup::{call, definition, hub, hub_with, names, ready, settings, trouble, until},
};
use mcp_common::tasks::Tasks;
use mcp_core::{
    egress::EgressSettings,
    upstream::{Hub, State, UpstreamError},
};
use serde_json::{Value, json};
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};
use tokio::{net::TcpSocket, runtime::Handle};

#[tokio::test]
async fn what_is_no_mcp_server_is_said_to_be_none() {
    type Handler = fn(&crate::server::Received) -> Reply;
    let cases: [(Handler, &str); 7] = [
        (
            |_| {
                Reply::With(
                    200,
                    vec![("content-type", "text/html".to_owned())],
                    "<html>".to_owned(),
                )
            },
            "is no MCP server: it answered with text/html",
        ),
        (
            |_| Reply::With(404, Vec::new(), String::new()),
            "the HTTP status 404",
        ),
        (
            |_| {
                Reply::With(
                    302,
                    vec![("location", "https://elsewhere.example/".to_owned())],
                    String::new(),
                )
            },
            "leads elsewhere (302 Found) and is not followed: https://elsewhere.example/",
        ),
        (
            |_| {
                Reply::With(
                    401,
                    vec![("content-type", "text/plain".to_owned())],
                    "who are you".to_owned(),
                )
            },
            "the HTTP status 401: who are you",
        ),
        (
            |received| Reply::Json(200, received.result("7")),
            "the answer to initialize is none",
        ),
        (
            |_| Reply::Json(200, "not JSON".to_owned()),
            "no message of JSON-RPC",
        ),
        (
            |_| Reply::Json(200, r#"{"jsonrpc":"2.0","id":999,"result":{}}"#.to_owned()),
            "is to another request",
        ),
    ];
    for (handler, expected) in cases {
        let server = Server::start(handler).await;
        let hub = hub(&server.document());
        let error = trouble(&hub).await;
        assert!(error.contains(expected), "{error}");
        hub.close().await;
    }
}

#[tokio::test]
async fn a_server_that_is_silent_or_sends_too_much_is_given_up_with_the_bound_that_it_passed() {
    let server = Server::start(|_| Reply::Silence).await;
    let mut document = server.document();
    document["timeouts"] = json!({"handshake_ms": 300});
    let silent = hub(&document);
    let error = trouble(&silent).await;
    assert!(
        error.contains("the handshake took longer than 300ms (`timeouts.handshake_ms`)"),
        "{error}"
    );

    let server = Server::start(|received| match received.rpc() {
        "tools/call" => Reply::Json(200, received.result(&format!("\"{}\"", "x".repeat(5_000)))),
        _ => modern(received, TOOLS),
    })
    .await;
    let mut document = server.document();
    document["limits"] = json!({"max_response_bytes": 4_000});
    let hub = hub(&document);
    ready(&hub).await;
    let error = call(&hub, "get", "{}").await.unwrap_err();
    assert!(
        matches!(error, UpstreamError::TooLarge { limit: 4_000 }),
        "{error}"
    );
    hub.close().await;
    silent.close().await;
}

#[tokio::test]
async fn lists_without_an_end_are_refused() {
    let itself = Server::start(|received| match received.rpc() {
        "tools/list" => Reply::Json(200, received.result(r#"{"tools":[],"nextCursor":"again"}"#)),
        _ => legacy(received, "s", TOOLS, false),
    })
    .await;
    let hub = hub(&itself.document());
    let error = trouble(&hub).await;
    assert!(error.contains("leads to itself"), "{error}");
    hub.close().await;

    let many = Server::start(|received| match received.rpc() {
        "tools/list" => {
            let tools: Vec<Value> = (0..30)
                .map(|n| json!({"name": format!("t{n}"), "inputSchema": {}}))
                .collect();
            Reply::Json(200, received.result(&json!({ "tools": tools }).to_string()))
        }
        _ => legacy(received, "s", TOOLS, false),
    })
    .await;
    let mut document = many.document();
    document["limits"] = json!({"tools": 20});
    let hub = crate::setup::hub(&document);
    let error = trouble(&hub).await;
    assert!(error.contains("more than 20 tools (`limits.tools`)"), "{error}");
    hub.close().await;
}

#[tokio::test]
async fn a_server_that_comes_late_or_goes_is_tried_again_and_what_it_offered_stays() {
    // A port that is taken and not listened at: connections are refused, and nobody else is given it.
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = socket.local_addr().unwrap();
    let hub = hub(&json!({"url": format!("http://{address}/mcp")}));
    let error = trouble(&hub).await;
    assert!(error.contains("refused the connection"), "{error}");

    let listener = socket.listen(128).unwrap();
    let server = Server::on(listener, |received| legacy(received, "s", TOOLS, false));
    assert_eq!(names(&*ready(&hub).await), ["get"]);

    drop(server);
    // The call finds out, or the end of the server's stream was seen before it.
    let is_away = |error: &UpstreamError| {
        matches!(
            error,
            UpstreamError::NotConnected(_) | UpstreamError::Connection(_) | UpstreamError::Unreachable(_)
        )
    };
    let error = call(&hub, "get", "{}").await.unwrap_err();
    assert!(is_away(&error), "{error}");
    until(&hub, "waiting", || hub.status("u").unwrap().state != State::Ready).await;
    let offer = hub.offer("u").unwrap();
    assert_eq!(
        names(&offer.inventory.unwrap()),
        ["get"],
        "the last inventory stays"
    );
    let error = call(&hub, "get", "{}").await.unwrap_err();
    assert!(is_away(&error), "{error}");
    hub.close().await;
}

#[tokio::test]
async fn one_that_never_answers_costs_the_others_nothing() {
    let silent = Server::start(|_| Reply::Silence).await;
    let good = Server::start(|received| modern(received, TOOLS)).await;
    let hub = Hub::new(settings(), Tasks::default(), Handle::current());
    let definitions = [
        definition("silent", &silent.document()),
        definition("u", &good.document()),
    ];
    hub.define(definitions.into_iter());
    assert_eq!(names(&*ready(&hub).await), ["get"]);
    assert_eq!(hub.status("silent").unwrap().state, State::Connecting);
    // A definition that is gone takes its upstream with it, in whatever state it is.
    hub.define(std::iter::empty());
    assert!(hub.offer("u").is_none() && hub.status("silent").is_none());
    hub.close().await;
}

#[tokio::test]
async fn calls_are_bounded_in_number_and_in_time_and_given_up_with_the_caller() {
    let server = Server::start(|received| match received.rpc() {
        "tools/call" => Reply::Silence,
        _ => legacy(received, "s", TOOLS, false),
    })
    .await;
    let mut document = server.document();
    document["limits"] = json!({"concurrency": 1, "queue": 0});
    let hub = hub(&document);
    ready(&hub).await;
    let waiting = {
        let hub = hub.clone();
        tokio::spawn(async move { call(&hub, "get", "{}").await })
    };
    until(&hub, "the call", || server.count("tools/call") == 1).await;
    let error = call(&hub, "get", "{}").await.unwrap_err();
    assert!(matches!(error, UpstreamError::Overloaded { limit: 1 }), "{error}");
    // The caller goes: the server is told, by the id that it knows the call by.
    waiting.abort();
    until(&hub, "the cancellation", || {
        server.count("notifications/cancelled") == 1
    })
    .await;
    let told = server.last("notifications/cancelled").message;
    assert_eq!(
        told["params"]["requestId"],
        server.last("tools/call").message["id"]
    );
    hub.close().await;

    let mut document = server.document();
    document["timeouts"] = json!({"call_total_ms": 200});
    let hub = crate::setup::hub(&document);
    ready(&hub).await;
    let error = call(&hub, "get", "{}").await.unwrap_err().to_string();
    assert_eq!(
        error,
        "the call took longer than 200ms (`timeouts.call_total_ms`)"
    );
    hub.close().await;
}

#[tokio::test]
async fn addresses_that_may_not_be_reached_are_not() {
    let server = Server::start(|received| modern(received, TOOLS)).await;
    let mut closed = settings();
    closed.egress = EgressSettings {
        allow_loopback: false,
        ..EgressSettings::default()
    };
    let hub = hub_with(closed, &server.document());
    let error = trouble(&hub).await;
    assert!(error.contains("egress.allow_loopback"), "{error}");
    assert_eq!(server.story(), Vec::<String>::new());
    hub.close().await;
}

#[tokio::test]
async fn answers_to_nothing_are_counted_and_the_real_one_is_taken() {
    let is_second = Arc::new(AtomicBool::new(false));
    let server = Server::start(move |received| match received.rpc() {
        "tools/call" if !is_second.swap(true, Ordering::Relaxed) => events(&[
            event(r#"{"jsonrpc":"2.0","id":77,"result":{}}"#),
            event("banner"),
            event(&received.result(&format!("{RESULT}}}"))),
            event(&received.result("{}")),
        ]),
        _ => legacy(received, "s", TOOLS, false),
    })
    .await;
    let hub = hub(&server.document());
    ready(&hub).await;
    assert_eq!(call(&hub, "get", "{}").await.unwrap(), format!("{RESULT}}}"));
    assert_eq!(hub.status("u").unwrap().strays, 2);
    hub.close().await;
}
