//! Upstreams that fail.

use crate::{
    calling::{call, text, tool, with},
    upstream::{Server, read_request, serve, silent},
};
use http::Response;
use http_body_util::Full;
use mcp_core::engine::Outcome;
use serde_json::json;
use std::time::{Duration, Instant};
use tokio::{io::AsyncWriteExt, net::TcpListener, sync::mpsc};

#[tokio::test]
async fn a_refused_connection_is_named() {
    let free = TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap();
    let result = call(
        &tool(&format!("http://{free}"), "GET", "/?key=secret", &json!({})),
        &json!({}),
    )
    .await;
    assert!(result.is_error && result.outcome == Outcome::Connect && result.upstream_status.is_none());
    assert_eq!(text(&result), format!("{free} refused the connection."));
}

#[tokio::test]
async fn metadata_services_are_never_called() {
    for host in [
        "http://169.254.169.254",
        "https://[fe80::1]",
        "http://0xa9fea9fe",
        "http://2852039166",
    ] {
        let result = call(&tool(host, "GET", "/latest/meta-data", &json!({})), &json!({})).await;
        assert_eq!(result.outcome, Outcome::Refused, "{host}: {}", text(&result));
        assert!(
            text(&result).contains("which is never called"),
            "{}",
            text(&result)
        );
    }
}

#[tokio::test]
async fn a_name_that_does_not_resolve_is_named() {
    let result = call(
        &tool("http://does-not-exist.invalid", "GET", "/", &json!({})),
        &json!({}),
    )
    .await;
    assert_eq!(result.outcome, Outcome::Connect);
    assert!(
        text(&result).contains("The host name of does-not-exist.invalid cannot be resolved"),
        "{}",
        text(&result)
    );
}

#[tokio::test]
async fn tls_to_a_plain_port_is_a_tls_failure() {
    let server = Server::start().await;
    let origin = server.origin.replace("http://", "https://");
    let result = call(&tool(&origin, "GET", "/", &json!({})), &json!({})).await;
    assert_eq!(result.outcome, Outcome::Tls, "{}", text(&result));
    assert!(
        text(&result).starts_with("The TLS handshake with 127.0.0.1:")
            && text(&result).ends_with("; the port does not speak TLS: is it http?"),
        "{}",
        text(&result)
    );
}

#[tokio::test]
async fn a_slow_answer_ends_at_the_tools_timeout() {
    let (silent, _) = silent().await;
    let started = Instant::now();
    let result = call(
        &with(&silent, "GET", "/", &json!({}), &json!({"timeout_ms": 50})),
        &json!({}),
    )
    .await;
    assert!(started.elapsed() < Duration::from_secs(5));
    assert_eq!(result.outcome, Outcome::Timeout);
    assert!(
        text(&result).ends_with("gave no complete answer within 50ms."),
        "{}",
        text(&result)
    );

    let endless = serve(|mut stream| async move {
        let _ = read_request(&mut stream).await;
        let _ = stream
            .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nabc")
            .await;
        std::future::pending::<()>().await;
    })
    .await;
    let result = call(
        &with(&endless, "GET", "/", &json!({}), &json!({"timeout_ms": 50})),
        &json!({}),
    )
    .await;
    assert_eq!(
        (result.outcome, result.upstream_status),
        (Outcome::Timeout, Some(200))
    );
}

#[tokio::test]
async fn answers_over_the_limit_are_given_up() {
    let announced = Server::fixed(200, "text/plain", "x".repeat(2_000)).await;
    let limits = json!({"limits": {"max_response_bytes": "1KiB"}});
    let result = call(
        &with(&announced.origin, "GET", "/", &json!({}), &limits),
        &json!({}),
    )
    .await;
    assert_eq!(result.outcome, Outcome::TooLarge);
    assert!(
        text(&result).contains("larger than the limit of 1024 bytes"),
        "{}",
        text(&result)
    );

    let (closed, mut when_closed) = mpsc::channel(1);
    let endless = serve(move |mut stream| {
        let closed = closed.clone();
        async move {
            let _ = read_request(&mut stream).await;
            let _ = stream
                .write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
                .await;
            while stream.write_all(b"4\r\nabcd\r\n").await.is_ok() {}
            let _ = closed.send(()).await;
        }
    })
    .await;
    let result = call(&with(&endless, "GET", "/", &json!({}), &limits), &json!({})).await;
    assert_eq!(
        (result.outcome, result.upstream_status),
        (Outcome::TooLarge, Some(200))
    );
    tokio::time::timeout(Duration::from_secs(10), when_closed.recv())
        .await
        .unwrap();

    let exact = Server::fixed(200, "text/plain", "x".repeat(1_024)).await;
    assert!(
        !call(&with(&exact.origin, "GET", "/", &json!({}), &limits), &json!({}))
            .await
            .is_error
    );
}

#[tokio::test]
async fn requests_over_the_limit_are_not_sent() {
    let server = Server::start().await;
    let tool = with(
        &server.origin,
        "POST",
        "/",
        &json!({}),
        &json!({"limits": {"max_request_bytes": 100}}),
    );
    let result = call(&tool, &json!({"a": "x".repeat(100)})).await;
    assert_eq!(result.outcome, Outcome::TooLarge);
    assert!(text(&result).contains("at most 100 are allowed; nothing was sent"));
    let get = with(&server.origin, "GET", "/", &json!({}), &json!({}));
    let result = call(&get, &json!({"a": "x".repeat(100_000)})).await;
    assert!(
        text(&result).contains("/a: makes a URL of more than 65534 bytes"),
        "{}",
        text(&result)
    );
    assert!(server.seen().is_empty());
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_not_passed_on() {
    for answer in [
        "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"a\":1}",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n",
    ] {
        let origin = serve(move |mut stream| async move {
            let _ = read_request(&mut stream).await;
            let _ = stream.write_all(answer.as_bytes()).await;
        })
        .await;
        let result = call(&tool(&origin, "GET", "/", &json!({})), &json!({})).await;
        assert_eq!(result.outcome, Outcome::Connect, "{}", text(&result));
        assert!(
            text(&result).contains("broke in the middle of its answer"),
            "{}",
            text(&result)
        );
    }
    let garbage = serve(|mut stream| async move {
        let _ = read_request(&mut stream).await;
        let _ = stream.write_all(b"220 smtp.example.com ESMTP\r\n\r\n").await;
    })
    .await;
    let result = call(&tool(&garbage, "GET", "/", &json!({})), &json!({})).await;
    assert_eq!(result.outcome, Outcome::BadAnswer, "{}", text(&result));
}

#[tokio::test]
async fn credentials_do_not_show_in_failures() {
    let free = TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap();
    let more = json!({"headers": {"Authorization": "Bearer hunter2"}, "query": {"api_key": "hunter2"}});
    let result = call(
        &with(&format!("http://{free}"), "GET", "/", &json!({}), &more),
        &json!({}),
    )
    .await;
    assert!(!text(&result).contains("hunter2"));
    let server = Server::answering(|_| Response::builder().status(302).body(Full::default()).unwrap()).await;
    let result = call(&with(&server.origin, "GET", "/", &json!({}), &more), &json!({})).await;
    assert!(!text(&result).contains("hunter2"));
}
