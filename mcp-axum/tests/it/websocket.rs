//! MCP over a WebSocket, at `/ws/{instance}`.

use crate::test_app::{DEADLINE, MODERN, Reply, TestApp, Upstream, eventually};
use futures_util::{SinkExt, StreamExt};
use reqwest::Method;
use serde_json::{Value, json};
use std::{sync::Arc, time::Duration};
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{
        Error, Message,
        client::IntoClientRequest,
        protocol::{CloseFrame, frame::coding::CloseCode},
    },
};

const LATE: Duration = Duration::from_millis(300);

/// What the opening handshake shows.
type Headers<'a> = &'a [(&'static str, &'a str)];

/// An open WebSocket.
pub struct Socket(WebSocketStream<TcpStream>);

impl Socket {
    pub async fn open(app: &TestApp, path: &str, headers: &[(&'static str, &str)]) -> Result<Self, Error> {
        let mut request = format!("ws://{}{path}", app.address()).into_client_request()?;
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().unwrap());
        }
        let stream = TcpStream::connect(app.address()).await?;
        let (socket, _) = client_async(request, stream).await?;
        Ok(Self(socket))
    }

    pub async fn of_user(app: &TestApp, instance: &str) -> Self {
        let key = format!("Bearer {}", app.user_key());
        Self::open(app, &format!("/ws/{instance}"), &[("authorization", &key)])
            .await
            .unwrap()
    }

    pub async fn say(&mut self, message: &Value) {
        self.0
            .send(Message::Text(message.to_string().into()))
            .await
            .unwrap();
    }

    /// The next message, or what the other side closed with.
    async fn read(&mut self) -> Result<Value, Option<CloseFrame>> {
        loop {
            let next = timeout(DEADLINE, self.0.next())
                .await
                .expect("no message in time");
            match next {
                Some(Ok(Message::Text(text))) => return Ok(serde_json::from_str(&text).unwrap()),
                Some(Ok(Message::Close(frame))) => return Err(frame),
                Some(Ok(Message::Ping(_))) => {}
                other => panic!("{other:?}"),
            }
        }
    }

    pub async fn next(&mut self) -> Value {
        self.read().await.unwrap()
    }

    pub async fn closed_with(&mut self) -> (CloseCode, String) {
        let frame = self.read().await.unwrap_err().expect("no reason");
        (frame.code, frame.reason.to_string())
    }

    async fn stays_silent(&mut self, time: Duration) {
        if let Ok(message) = timeout(time, self.0.next()).await {
            panic!("an unexpected message: {message:?}");
        }
    }

    pub async fn ask(&mut self, message: &Value) -> Value {
        self.say(message).await;
        self.next().await
    }

    pub async fn initialize(&mut self) -> Value {
        self.initialize_as(json!({})).await
    }

    /// With these capabilities.
    pub async fn initialize_as(&mut self, capabilities: Value) -> Value {
        let params = json!({"protocolVersion": "2025-06-18", "capabilities": capabilities, "clientInfo": {"name": "t", "version": "0"}});
        let answer = self.ask(&older(0, "initialize", params)).await;
        self.say(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}))
            .await;
        answer
    }
}

/// A request of the revisions before 2026-07-28.
pub fn older(id: u32, method: &str, params: Value) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params})
}

pub fn modern(id: u32, method: &str, mut params: Value) -> Value {
    params["_meta"] = json!({
        "io.modelcontextprotocol/protocolVersion": MODERN, "io.modelcontextprotocol/clientCapabilities": {},
    });
    older(id, method, params)
}

fn cancelled(id: u32) -> Value {
    json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": id}})
}

async fn start(settings: &[(&'static str, &str)]) -> (TestApp, Arc<Upstream>) {
    let app = TestApp::with(settings).await;
    let upstream = app.with_item_tools("shop").await;
    (app, upstream)
}

fn call(tool: &str) -> Value {
    json!({"name": tool, "arguments": {"id": 7}})
}

#[tokio::test]
async fn an_older_client_speaks_as_over_any_other_transport() {
    let (app, upstream) = start(&[]).await;
    let mut socket = Socket::of_user(&app, "shop").await;
    assert_eq!(
        socket.initialize().await["result"]["protocolVersion"],
        "2025-06-18"
    );
    let listed = socket.ask(&older(1, "tools/list", json!({}))).await;
    assert_eq!(listed["result"]["tools"].as_array().unwrap().len(), 2);
    upstream.reply(Reply::After(LATE));
    socket.say(&older(2, "tools/call", call("get_item"))).await;
    assert_eq!(socket.ask(&older(3, "ping", json!({}))).await["id"], 3);
    let called = socket.next().await;
    assert_eq!(
        (&called["id"], &called["result"]["isError"]),
        (&json!(2), &json!(false))
    );
    socket.say(&older(4, "tools/call", call("get_item"))).await;
    socket.say(&cancelled(4)).await;
    socket.stays_silent(LATE * 2).await;
    app.put_instance("shop", &["get_item"]).await;
    assert_eq!(socket.next().await["method"], "notifications/tools/list_changed");
}

#[tokio::test]
async fn a_client_of_2026_07_28_repeats_nothing_and_listens() {
    let (app, upstream) = start(&[]).await;
    let schema = json!({"type": "object", "properties": {"id": {"type": "integer", "x-mcp-header": "Id"}}});
    app.put_tool("mirrored", &upstream, "GET", "/items/{id}", schema)
        .await;
    app.put_instance("shop", &["mirrored", "get_item"]).await;
    let mut socket = Socket::of_user(&app, "shop").await;
    let found = socket.ask(&modern(1, "server/discover", json!({}))).await;
    assert_eq!(found["result"]["supportedVersions"], json!([MODERN]));
    let called = socket.ask(&modern(2, "tools/call", call("mirrored"))).await;
    assert_eq!(
        (&called["result"]["resultType"], &called["result"]["isError"]),
        (&json!("complete"), &json!(false))
    );
    let wanted = json!({"notifications": {"toolsListChanged": true}});
    let acknowledged = socket.ask(&modern(3, "subscriptions/listen", wanted)).await;
    assert_eq!(acknowledged["method"], "notifications/subscriptions/acknowledged");
    app.put_instance("shop", &["get_item"]).await;
    let changed = socket.next().await;
    assert_eq!(
        changed["params"]["_meta"]["io.modelcontextprotocol/subscriptionId"], 3,
        "{changed}"
    );
    socket.say(&cancelled(3)).await;
    upstream.reply(Reply::After(LATE));
    socket.say(&modern(4, "tools/call", call("get_item"))).await;
    socket.say(&cancelled(4)).await;
    app.put_instance("shop", &["get_item", "mirrored"]).await;
    socket.stays_silent(LATE * 3).await;
    let refused = socket.ask(&modern(5, "initialize", json!({}))).await;
    assert_eq!(refused["error"]["code"], -32601);
}

#[tokio::test]
async fn the_door_is_that_of_the_endpoint() {
    let (app, _) = start(&[]).await;
    let key = format!("Bearer {}", app.user_key());
    let good = ("authorization", key.as_str());
    let table: [(&str, Headers<'_>, u16); 5] = [
        ("/ws/shop", &[], 401),
        (
            "/ws/shop",
            &[("authorization", "Bearer made-up-key-of-nobody")],
            401,
        ),
        ("/ws/unknown", &[good], 404),
        ("/ws", &[good], 404),
        ("/ws/shop", &[good, ("origin", "https://evil.example")], 403),
    ];
    for (path, headers, status) in table {
        let refused = Socket::open(&app, path, headers).await.err().unwrap();
        let Error::Http(response) = refused else {
            panic!("{path}: {refused:?}");
        };
        assert_eq!(response.status().as_u16(), status, "{path} {headers:?}");
    }
    let fine = [
        good,
        ("origin", "http://localhost:6274"),
        ("sec-websocket-protocol", "mcp"),
    ];
    assert!(Socket::open(&app, "/ws/shop", &fine).await.is_ok());
    // Who asks for no WebSocket is told what is there.
    let plain = app.user().get("/ws/shop").await.expect(426);
    assert_eq!(plain.header("upgrade"), Some("websocket"));
    assert!(plain.text.contains("/mcp/INSTANCE"), "{}", plain.text);
    let old = app.user().request(Method::GET, "/ws/shop");
    let old = old.header("connection", "Upgrade").header("upgrade", "websocket");
    let old = old.header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==");
    let old = app
        .user()
        .send(old.header("sec-websocket-version", "8"))
        .await
        .expect(426);
    assert_eq!(old.header("sec-websocket-version"), Some("13"));
}

#[tokio::test]
async fn what_is_no_message_is_refused_and_what_is_too_large_ends_it() {
    let (app, _) = start(&[("app.max_body_bytes", "1KiB"), ("app.memory_budget", "64MiB")]).await;
    let mut socket = Socket::of_user(&app, "shop").await;
    socket.0.send(Message::Text("no message".into())).await.unwrap();
    assert_eq!(socket.next().await["error"]["code"], -32700);
    let early = socket.ask(&older(1, "tools/list", json!({}))).await;
    assert!(
        early["error"]["message"]
            .as_str()
            .unwrap()
            .contains("`initialize` comes first"),
        "{early}"
    );
    socket
        .0
        .send(Message::Text("x".repeat(2_000).into()))
        .await
        .unwrap();
    assert_eq!(socket.closed_with().await.0, CloseCode::Size);
    let mut socket = Socket::of_user(&app, "shop").await;
    socket
        .0
        .send(Message::Binary(b"{}".as_slice().into()))
        .await
        .unwrap();
    assert_eq!(
        socket.closed_with().await,
        (CloseCode::Unsupported, "messages are text frames".to_owned())
    );
}

#[tokio::test]
async fn an_instance_that_is_gone_closes_it() {
    let (app, _) = start(&[]).await;
    let mut socket = Socket::of_user(&app, "shop").await;
    socket.initialize().await;
    socket.ask(&older(1, "ping", json!({}))).await;
    app.admin().delete("/admin/ids/shop").await.ok();
    let expected = (CloseCode::Away, "the instance is gone".to_owned());
    assert_eq!(socket.closed_with().await, expected);
}

#[tokio::test]
async fn a_gateway_that_ends_answers_what_was_begun_first() {
    let (mut app, upstream) = start(&[]).await;
    let mut socket = Socket::of_user(&app, "shop").await;
    socket.initialize().await;
    upstream.reply(Reply::After(LATE));
    socket.say(&older(9, "tools/call", call("get_item"))).await;
    eventually("the call is made", || !upstream.requests().is_empty()).await;
    let (stopped, answer) = tokio::join!(app.stop(), async {
        let answer = socket.next().await;
        (answer, socket.closed_with().await)
    });
    let () = stopped;
    assert_eq!(
        (&answer.0["id"], &answer.0["result"]["isError"]),
        (&json!(9), &json!(false))
    );
    assert_eq!(answer.1.0, CloseCode::Away);
}

#[tokio::test]
async fn what_a_client_asked_for_ends_with_its_socket() {
    let (app, upstream) = start(&[]).await;
    let mut socket = Socket::of_user(&app, "shop").await;
    upstream.reply(Reply::After(DEADLINE * 10));
    socket.say(&modern(1, "tools/call", call("get_item"))).await;
    eventually("the call is made", || !upstream.requests().is_empty()).await;
    drop(socket);
    eventually("nothing is under way", || {
        let metrics = app.metrics();
        metrics.contains("dynmcp_upstream_in_flight 0") && metrics.contains("dynmcp_streams 0")
    })
    .await;
}

#[tokio::test]
async fn an_answer_that_is_larger_than_a_request_may_be_arrives_whole() {
    let (app, upstream) = start(&[
        ("upstream.max_response_bytes", "16MiB"),
        ("upstream.max_result_bytes", "16MiB"),
    ])
    .await;
    let text = "x".repeat(7 << 20);
    upstream.reply_json(200, &json!({"text": text}));
    let mut socket = Socket::of_user(&app, "shop").await;
    socket.initialize().await;
    let answer = socket.ask(&older(1, "tools/call", call("get_item"))).await;
    let content = answer["result"]["content"][0]["text"].as_str().unwrap();
    assert!(content.contains(&text), "{} bytes", content.len());
    socket.ask(&older(2, "ping", json!({}))).await;
    drop(socket);
    eventually("the memory of the answer is given back", || {
        app.app().memory_in_flight() == 0
    })
    .await;
}

#[tokio::test]
async fn who_closes_it_is_answered() {
    let (app, _) = start(&[]).await;
    let mut socket = Socket::of_user(&app, "shop").await;
    socket.initialize().await;
    let frame = CloseFrame {
        code: CloseCode::Normal,
        reason: "done".into(),
    };
    socket.0.send(Message::Close(Some(frame.clone()))).await.unwrap();
    assert_eq!(socket.read().await.unwrap_err(), Some(frame));
}
