//! Servers that speak over a WebSocket.

use crate::{
    behaviour::{RESULT, TOOLS},
    setup::{call, hub, hub_with, ready, settings, trouble, until},
};
use futures_util::{SinkExt, StreamExt};
use mcp_common::definition::upstream::UpstreamTransport;
use mcp_core::{
    egress::EgressSettings,
    upstream::{State, UpstreamError},
};
use serde_json::{Value, json};
use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use tokio_tungstenite::{
    WebSocketStream, accept_hdr_async,
    tungstenite::{
        Message,
        handshake::server::{Request, Response},
        protocol::{CloseFrame, frame::coding::CloseCode},
    },
};

/// What a server does when it is called.
#[derive(Clone, Copy)]
enum OnCall {
    Answer,
    /// As binary frames, which some servers send.
    Binary,
    Close,
    Large,
}

pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    headers: Arc<Mutex<Vec<(String, String)>>>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// One that does what it is asked for.
pub(crate) async fn honest() -> Server {
    Server::start(OnCall::Answer).await
}

impl Server {
    async fn start(on_call: OnCall) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let headers = Arc::<Mutex<Vec<_>>>::default();
        let seen = headers.clone();
        let task = tokio::spawn(async move {
            let mut connections = tokio::task::JoinSet::new();
            while let Ok((socket, _)) = listener.accept().await {
                let seen = seen.clone();
                connections.spawn(async move {
                    #[expect(clippy::result_large_err, reason = "the type is that of the library")]
                    let look = |request: &Request, mut response: Response| {
                        let named = request.headers().iter();
                        let named =
                            named.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()));
                        seen.lock().unwrap().extend(named);
                        let protocol = request.headers().get("sec-websocket-protocol").cloned();
                        response
                            .headers_mut()
                            .extend(protocol.map(|value| (http::header::SEC_WEBSOCKET_PROTOCOL, value)));
                        Ok(response)
                    };
                    let socket = accept_hdr_async(socket, look).await.unwrap();
                    talk(socket, on_call).await;
                });
            }
        });
        Self {
            address,
            headers,
            task,
        }
    }

    fn document(&self) -> Value {
        json!({"url": format!("ws://{}/ws", self.address), "headers": {"X-Team": "a"}})
    }

    fn header(&self, name: &str) -> Option<String> {
        let headers = self.headers.lock().unwrap();
        let found = headers.iter().find(|(own, _)| own == name);
        found.map(|(_, value)| value.clone())
    }
}

async fn talk(mut socket: WebSocketStream<TcpStream>, on_call: OnCall) {
    // Neither does any harm.
    let _ = socket.send(Message::text("a banner")).await;
    let _ = socket.send(Message::Ping(b"x"[..].into())).await;
    while let Some(Ok(message)) = socket.next().await {
        let Message::Text(text) = message else { continue };
        let message: Value = serde_json::from_str(&text).unwrap();
        let result = match message["method"].as_str().unwrap() {
            "initialize" => json!({"protocolVersion": "2025-06-18", "capabilities": {"tools": {}},
                "serverInfo": {"name": "socket", "version": "1"}})
            .to_string(),
            "tools/list" => format!("{{\"tools\":{TOOLS}}}"),
            "tools/call" => match on_call {
                OnCall::Answer | OnCall::Binary => format!("{RESULT}}}"),
                OnCall::Large => format!("\"{}\"", "x".repeat(5_000)),
                OnCall::Close => {
                    let frame = CloseFrame {
                        code: CloseCode::Again,
                        reason: "come back later".into(),
                    };
                    let _ = socket.close(Some(frame)).await;
                    continue;
                }
            },
            name if name.starts_with("notifications/") => continue,
            _ => {
                let error = json!({"jsonrpc": "2.0", "id": message["id"], "error": {"code": -32601, "message": "no"}});
                let _ = socket.send(Message::text(error.to_string())).await;
                continue;
            }
        };
        let text = format!(
            "{{\"jsonrpc\":\"2.0\",\"id\":{},\"result\":{result}}}",
            message["id"]
        );
        let message = match on_call {
            OnCall::Binary => Message::binary(text.into_bytes()),
            _ => Message::text(text),
        };
        let _ = socket.send(message).await;
    }
}

#[tokio::test]
async fn a_server_is_spoken_to_over_a_websocket() {
    for on_call in [OnCall::Answer, OnCall::Binary] {
        let server = Server::start(on_call).await;
        let hub = hub(&server.document());
        let inventory = ready(&hub).await;
        assert_eq!(inventory.protocol, "2025-06-18");
        let status = hub.status("u").unwrap();
        assert_eq!(
            (status.transport, status.strays),
            (Some(UpstreamTransport::Websocket), 1),
            "the banner is counted"
        );
        for (name, value) in [
            ("x-team", "a"),
            ("via", "1.1 dynmcp-test"),
            ("sec-websocket-protocol", "mcp"),
        ] {
            assert_eq!(server.header(name).as_deref(), Some(value), "{name}");
        }
        let (one, other) = tokio::join!(call(&hub, "get", "{}"), call(&hub, "get", "{}"));
        assert_eq!(one.unwrap(), format!("{RESULT}}}"), "every byte of it");
        assert!(other.is_ok());
        hub.close().await;
    }
}

#[tokio::test]
async fn a_websocket_that_the_server_closes_fails_the_call_with_its_reason_and_is_opened_anew() {
    let server = Server::start(OnCall::Close).await;
    let hub = hub(&server.document());
    ready(&hub).await;
    let error = call(&hub, "get", "{}").await.unwrap_err();
    assert!(matches!(error, UpstreamError::Ended(_)), "{error}");
    assert_eq!(
        error.to_string(),
        "the server closed the WebSocket: 1013 come back later"
    );
    until(&hub, "it is lost", || {
        hub.status("u").unwrap().state != State::Ready
    })
    .await;
    ready(&hub).await;
    hub.close().await;
}

#[tokio::test]
async fn a_message_that_is_too_large_ends_the_websocket_and_says_why() {
    let server = Server::start(OnCall::Large).await;
    let mut document = server.document();
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

/// Answers whatever comes with this.
async fn answering(text: &'static str) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let mut read = [0; 4096];
            let _ = socket.read(&mut read).await;
            let _ = socket.write_all(text.as_bytes()).await;
        }
    });
    address
}

#[tokio::test]
async fn what_opens_no_websocket_is_said_to_open_none() {
    for (answer, expected) in [
        (
            "HTTP/1.1 401 Unauthorized\r\ncontent-type: text/plain\r\ncontent-length: 11\r\n\r\nwho are you",
            "the HTTP status 401: who are you",
        ),
        (
            "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
            "opens no WebSocket",
        ),
        (
            "HTTP/1.1 302 Found\r\nlocation: ws://elsewhere.example/\r\ncontent-length: 0\r\n\r\n",
            "leads elsewhere (302 Found) and is not followed: ws://elsewhere.example/",
        ),
        (
            "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-accept: x\r\n\r\n",
            "the handshake of another WebSocket",
        ),
    ] {
        let address = answering(answer).await;
        let hub = hub(&json!({"url": format!("ws://{address}/ws")}));
        let error = trouble(&hub).await;
        assert!(error.contains(expected), "{error}");
        hub.close().await;
    }
}

#[tokio::test]
async fn addresses_that_are_not_called_are_not_called_over_a_websocket_either() {
    let server = Server::start(OnCall::Answer).await;
    let mut strict = settings();
    strict.egress = EgressSettings {
        allow_loopback: false,
        ..EgressSettings::default()
    };
    let hub = hub_with(strict, &server.document());
    let error = trouble(&hub).await;
    assert!(error.contains("egress.allow_loopback"), "{error}");
    assert_eq!(server.header("via"), None);
    hub.close().await;
}
