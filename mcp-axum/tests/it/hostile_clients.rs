//! Clients that never finish, never read, or take all there is: they end by time, they have a part, and nobody else notices.

use crate::test_app::{MODERN, Reply, TestApp, eventually};
use bytes::Bytes;
use http_body_util::Full;
use hyper::{Request, client::conn::http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::json;
use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpSocket, TcpStream},
};

/// Far below the minutes that these would take otherwise.
const PATIENCE: Duration = Duration::from_secs(40);

/// Clients that come from here are others than those of 127.0.0.1.
const BYSTANDER: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));

/// No address is exempt, so that tests on one machine have parts.
async fn strict(settings: &[(&'static str, &str)]) -> TestApp {
    let mut all = vec![("app.front_proxies", ""), ("app.client_timeout_seconds", "1")];
    all.extend(settings);
    TestApp::with(&all).await
}

async fn connect(app: &TestApp) -> TcpStream {
    TcpStream::connect(app.address()).await.unwrap()
}

/// What comes until the gateway closes; empty if it only closes.
async fn read_to_end(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    let read = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut answer)).await;
    // A reset is an end as well.
    let _ = read.expect("the connection stays open");
    String::from_utf8_lossy(&answer).into_owned()
}

/// A client of another address gets its answer.
async fn bystander_is_served(app: &TestApp) {
    let client = reqwest::Client::builder()
        .local_address(BYSTANDER)
        .build()
        .unwrap();
    let answer = client
        .get(format!("http://{}/admin/status", app.address()))
        .bearer_auth(app.admin_key())
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 200);
}

#[tokio::test]
async fn a_header_that_never_ends_is_ended() {
    let app = strict(&[]).await;
    let mut stream = connect(&app).await;
    stream
        .write_all(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\nx: ")
        .await
        .unwrap();
    let (mut reading, mut writing) = stream.into_split();
    let dribble = async {
        while writing.write_all(b"x").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let closed = async {
        let mut answer = Vec::new();
        let _ = reading.read_to_end(&mut answer).await;
    };
    tokio::time::timeout(PATIENCE, async { tokio::join!(dribble, closed) })
        .await
        .expect("the header is waited for");
    // Who says nothing is only idle.
    let mut silent = connect(&app).await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    silent
        .write_all(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
        .await
        .unwrap();
    assert!(read_to_end(&mut silent).await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn a_header_that_is_too_large_is_refused() {
    let app = strict(&[]).await;
    let mut stream = connect(&app).await;
    let header = format!(
        "GET /healthz HTTP/1.1\r\nhost: localhost\r\nx: {}",
        "x".repeat(80 << 10)
    );
    stream.write_all(header.as_bytes()).await.unwrap();
    assert!(read_to_end(&mut stream).await.starts_with("HTTP/1.1 431"));
}

#[tokio::test]
async fn a_request_names_one_host() {
    let app = strict(&[]).await;
    for (hosts, status) in [
        ("host: localhost\r\n", 200),
        ("", 400),
        ("host: localhost\r\nhost: localhost\r\n", 400),
        ("host: localhost\r\nhost: evil.example.com\r\n", 400),
    ] {
        let mut stream = connect(&app).await;
        let request = format!("GET /healthz HTTP/1.1\r\n{hosts}connection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let answer = read_to_end(&mut stream).await;
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status}")),
            "{hosts}: {answer}"
        );
    }
    app.with_item_tools("shop").await;
    let mut client = http2_client(&app, 1 << 16).await;
    for (authority, host, status) in [
        ("localhost", None, 200),
        ("evil.example.com", None, 403),
        ("localhost", Some("evil.example.com"), 400),
    ] {
        let mut request = call(&app, authority, "get_item", json!({"id": 1}));
        if let Some(host) = host {
            request.headers_mut().insert("host", host.parse().unwrap());
        }
        let answer = client.send_request(request).await.unwrap();
        assert_eq!(answer.status(), status, "{authority} {host:?}");
    }
}

type Http2 = http2::SendRequest<Full<Bytes>>;

async fn http2_client(app: &TestApp, window: u32) -> Http2 {
    let stream = connect(app).await;
    let (client, connection) = http2::Builder::new(TokioExecutor::new())
        .initial_stream_window_size(window)
        .handshake(TokioIo::new(stream))
        .await
        .unwrap();
    tokio::spawn(connection);
    client
}

fn call(app: &TestApp, authority: &str, tool: &str, arguments: serde_json::Value) -> Request<Full<Bytes>> {
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {
        "name": tool, "arguments": arguments, "_meta": {
            "io.modelcontextprotocol/protocolVersion": MODERN, "io.modelcontextprotocol/clientCapabilities": {}}}});
    Request::post(format!("http://{authority}/mcp/shop"))
        .header("x-api-key", app.user_key())
        .header("content-type", "application/json")
        .header("mcp-protocol-version", MODERN)
        .header("mcp-method", "tools/call")
        .header("mcp-name", tool)
        .body(Full::from(body.to_string()))
        .unwrap()
}

/// The window of each stream is zero and stays it.
#[tokio::test]
async fn answers_that_nobody_reads_count_and_are_let_go() {
    const ANSWER: usize = 256 << 10;
    // Longer than it takes to ask for all of them, on a machine that is busy.
    let app = strict(&[
        ("app.memory_budget", "16MiB"),
        ("app.client_timeout_seconds", "10"),
    ])
    .await;
    let upstream = app.with_item_tools("shop").await;
    upstream.reply(Reply::Fixed {
        status: 200,
        content_type: "text/plain",
        body: vec![b'x'; ANSWER],
    });
    let budget = || app.app().memory_in_flight();
    let mut client = http2_client(&app, 0).await;
    let mut unread = Vec::new();
    let mut is_refused = false;
    while !is_refused && unread.len() < 100 {
        let answer = client
            .send_request(call(&app, "localhost", "get_item", json!({"id": 1})))
            .await
            .unwrap();
        // Either the request has no place any more, or the answer that it would have.
        let size: usize = answer.headers()["content-length"]
            .to_str()
            .unwrap()
            .parse()
            .unwrap();
        is_refused = size < ANSWER;
        unread.push(answer);
    }
    assert!(is_refused, "a client that reads nothing has all of the memory");
    assert!(unread.len() >= 10, "{} answers", unread.len());
    // The client's part is a third; the last answer was let in before it was known how large it is.
    let most = (16 << 20) / 3 + 2 * ANSWER as u64;
    assert!(
        (4 << 20..=most).contains(&budget()),
        "{} bytes are in flight",
        budget()
    );
    let metrics = app.metrics();
    assert!(!metrics.contains("dynmcp_memory_refused_total 0\n"), "{metrics}");
    bystander_is_served(&app).await;
    let start = Instant::now();
    while budget() > 0 {
        assert!(start.elapsed() < PATIENCE, "the answers are kept");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn bodies_that_do_not_come_count_as_announced() {
    let app = strict(&[("app.memory_budget", "16MiB")]).await;
    app.put_instance("shop", &[]).await;
    let head = format!(
        "POST /mcp/shop HTTP/1.1\r\nhost: localhost\r\nx-api-key: {}\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n{{",
        app.user_key(),
        4 << 20
    );
    let mut first = connect(&app).await;
    first.write_all(head.as_bytes()).await.unwrap();
    eventually("the body is waited for", || {
        app.app().memory_in_flight() == 4 << 20
    })
    .await;
    let mut second = connect(&app).await;
    second.write_all(head.as_bytes()).await.unwrap();
    second.shutdown().await.unwrap();
    let answer = read_to_end(&mut second).await;
    assert!(
        answer.starts_with("HTTP/1.1 429")
            && answer.contains("app.memory_budget")
            && answer.contains("retry-after: 1"),
        "{answer}"
    );
    bystander_is_served(&app).await;
    drop(first);
    eventually("the memory is given back", || app.app().memory_in_flight() == 0).await;
}

/// An upstream that announces much and sends nothing of it.
async fn announcing_upstream(size: usize) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let mut open = Vec::new();
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.read(&mut [0; 4096]).await;
            let head =
                format!("HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: {size}\r\n\r\n");
            let _ = stream.write_all(head.as_bytes()).await;
            open.push(stream);
        }
    });
    address
}

#[tokio::test]
async fn answers_of_upstreams_count_as_announced() {
    const ANSWER: usize = 4 << 20;
    let app = strict(&[("app.memory_budget", "16MiB")]).await;
    let upstream = announcing_upstream(ANSWER).await;
    let document = json!({"name": "slow", "description": "Slow.", "input_schema": {},
        "tds_ext_info": {"domain": format!("http://{upstream}"), "method": "GET", "path": "/"}});
    app.admin().put("/admin/tds/slow", &document).await.ok();
    app.put_instance("shop", &["slow"]).await;
    let first = tokio::spawn({
        let client = app.mcp("shop");
        async move { client.call("slow", json!({})).await }
    });
    let in_flight = || app.app().memory_in_flight();
    eventually("the answer is waited for", || in_flight() == ANSWER as u64).await;
    let second = app.mcp("shop").call("slow", json!({})).await;
    let text = second["content"][0]["text"].as_str().unwrap();
    assert!(
        second["isError"] == true && text.contains("app.memory_budget"),
        "{second}"
    );
    bystander_is_served(&app).await;
    first.abort();
    eventually("the memory is given back", || in_flight() == 0).await;
}

#[tokio::test]
async fn a_client_that_reads_nothing_of_http_1_is_ended() {
    const ANSWER: usize = 6 << 20;
    let app = strict(&[("upstream.max_result_bytes", "8MiB")]).await;
    let upstream = app.with_item_tools("shop").await;
    upstream.reply(Reply::Fixed {
        status: 200,
        content_type: "text/plain",
        body: vec![b'x'; ANSWER],
    });
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(16 << 10).unwrap();
    let mut stream = socket.connect(app.address()).await.unwrap();
    let request = call(&app, "localhost", "get_item", json!({"id": 1}));
    let mut head = String::from("POST /mcp/shop HTTP/1.1\r\nhost: localhost\r\n");
    for (name, value) in request.headers() {
        head.push_str(&format!("{name}: {}\r\n", value.to_str().unwrap()));
    }
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {
        "name": "get_item", "arguments": {"id": 1}, "_meta": {
            "io.modelcontextprotocol/protocolVersion": MODERN, "io.modelcontextprotocol/clientCapabilities": {}}}})
    .to_string();
    head.push_str(&format!("content-length: {}\r\n\r\n{body}", body.len()));
    stream.write_all(head.as_bytes()).await.unwrap();
    eventually("the answer waits", || {
        app.app().memory_in_flight() as usize > ANSWER
    })
    .await;
    let start = Instant::now();
    while app.app().memory_in_flight() > 0 {
        assert!(start.elapsed() < PATIENCE, "the answer is kept");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    drop(stream);
}

/// Heads of what so many connections are answered that ask for a stream, in turn, and the connections.
async fn listening(app: &TestApp, connections: usize) -> (Vec<String>, Vec<TcpStream>) {
    app.put_instance("shop", &[]).await;
    let listen = format!(
        "GET /mcp/shop HTTP/1.1\r\nhost: localhost\r\nx-api-key: {}\r\naccept: text/event-stream\r\nmcp-protocol-version: 2025-06-18\r\n\r\n",
        app.user_key()
    );
    eventually("the test's own connections are closed or idle", || {
        app.app().metrics.connections.get() <= 2
    })
    .await;
    let (mut heads, mut open) = (Vec::new(), Vec::new());
    for _ in 0..connections {
        let mut stream = from([127, 0, 0, 3], app).await;
        stream.write_all(listen.as_bytes()).await.unwrap();
        let mut head = [0; 4096];
        let size = stream.read(&mut head).await.unwrap();
        heads.push(String::from_utf8_lossy(&head[..size]).into_owned());
        open.push(stream);
    }
    (heads, open)
}

async fn from(address: [u8; 4], app: &TestApp) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::from((address, 0))).unwrap();
    socket.connect(app.address()).await.unwrap()
}

#[tokio::test]
async fn one_client_has_its_part_of_the_connections() {
    let app = strict(&[("app.max_connections", "16")]).await;
    // All of them are at work, so that none can give its place to another one.
    let (heads, open) = listening(&app, 5).await;
    for head in &heads[..4] {
        assert!(
            head.starts_with("HTTP/1.1 200") && head.contains("event-stream"),
            "{head}"
        );
    }
    assert!(
        heads[4].starts_with("HTTP/1.1 503") && heads[4].contains("app.max_connections_per_client"),
        "{}",
        heads[4]
    );
    bystander_is_served(&app).await;
    drop(open);
}

#[tokio::test]
async fn one_client_has_its_part_of_the_streams() {
    let app = strict(&[("mcp.max_streams", "8")]).await;
    let (heads, open) = listening(&app, 4).await;
    for (head, expected) in heads.iter().zip([
        "event-stream",
        "event-stream",
        "max_streams_per_client",
        "max_streams_per_client",
    ]) {
        assert!(
            head.starts_with("HTTP/1.1 200") && head.contains(expected),
            "{head}"
        );
    }
    drop(open);
    eventually("its places are free", || {
        app.metrics().contains("dynmcp_streams 0\n")
    })
    .await;
}

#[tokio::test]
async fn places_are_for_those_who_ask() {
    let app = strict(&[("app.max_connections", "16")]).await;
    let status = format!(
        "GET /admin/status HTTP/1.1\r\nhost: localhost\r\nx-api-key: {}\r\n\r\n",
        app.admin_key()
    );
    let mut idle = Vec::new();
    for address in 3..8 {
        for _ in 0..4 {
            idle.push(from([127, 0, 0, address], &app).await);
        }
    }
    eventually("all of them are open", || {
        app.app().metrics.connections.get() >= 20
    })
    .await;
    // Silent connections have all places, and this client has its part of them.
    let mut head = [0; 12];
    for address in [[127, 0, 0, 3], [127, 0, 0, 9]] {
        let mut stream = from(address, &app).await;
        for _ in 0..2 {
            stream.write_all(status.as_bytes()).await.unwrap();
            stream.read_exact(&mut head).await.unwrap();
            assert_eq!(String::from_utf8_lossy(&head), "HTTP/1.1 200", "{address:?}");
            let mut rest = [0; 16 << 10];
            let size = stream.read(&mut rest).await.unwrap();
            let rest = String::from_utf8_lossy(&rest[..size]);
            assert!(!rest.contains("connection: close"), "{rest}");
        }
    }
    bystander_is_served(&app).await;
}

#[tokio::test]
async fn metrics_are_made_once_for_all_who_ask() {
    let app = TestApp::start().await;
    app.anonymous().get("/metrics").await.expect(401);
    use mcp_axum::telemetry::metrics::Format::OpenMetrics;
    let (first, second) = tokio::join!(
        app.app().metrics.text(OpenMetrics),
        app.app().metrics.text(OpenMetrics)
    );
    assert_eq!(first.unwrap().as_ptr(), second.unwrap().as_ptr());
}

#[tokio::test]
async fn operators_may_have_an_address_of_their_own() {
    let app = strict(&[("app.admin_listen", "127.0.0.1:0"), ("app.max_connections", "16")]).await;
    let at = |address: SocketAddr, path: &str| {
        let request = reqwest::Client::new().get(format!("http://{address}{path}"));
        let request = request.bearer_auth(app.admin_key()).header("connection", "close");
        async move { request.send().await.unwrap().status().as_u16() }
    };
    for path in ["/healthz", "/livez", "/readyz", "/metrics", "/admin/status"] {
        assert_eq!(at(app.address(), path).await, 404, "{path}");
        assert_eq!(at(app.admin_address(), path).await, 200, "{path}");
    }
    assert_eq!(at(app.admin_address(), "/mcp/i").await, 404);
    assert_eq!(at(app.address(), "/mcp/i").await, 404);
    // Clients fill the other one.
    let mut flood = Vec::new();
    for _ in 0..100 {
        flood.push(connect(&app).await);
    }
    assert_eq!(at(app.admin_address(), "/readyz").await, 200);
}
