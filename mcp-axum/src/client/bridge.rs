//! An instance for a client that only speaks over pipes: each message of the client is a POST, each message of the gateway
//! a line, in every revision.

mod answer;
mod listen;
mod message;
mod mirrored;
mod session;

use super::{ClientError, Gateway};
use crate::open_requests::OpenRequests;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, header};
use hyper::body::Incoming;
use mcp_core::framing::lines::{Line, Lines};
use message::{Kind, Message};
use mirrored::Mirrored;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use session::Session;
use std::{
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt},
    sync::mpsc,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// The most bytes of a message, in either direction.
const MOST: usize = 64 << 20;
/// Requests at once.
const MOST_REQUESTS: usize = 1_024;
/// Messages that wait for the client to read them.
const WAITING: usize = 64;
/// How long the gateway may take to hear that the session is over.
const FAREWELL: Duration = Duration::from_secs(2);

const VERSION: HeaderName = HeaderName::from_static("mcp-protocol-version");
const SESSION: HeaderName = HeaderName::from_static("mcp-session-id");
const JSON: HeaderValue = HeaderValue::from_static("application/json");
const EVENTS: HeaderValue = HeaderValue::from_static("text/event-stream");
const EITHER: HeaderValue = HeaderValue::from_static("application/json, text/event-stream");

/// JSON-RPC's codes for what is none of its messages, and for what went wrong on the way.
const INVALID_REQUEST: i64 = -32600;
const PARSE_ERROR: i64 = -32700;
const INTERNAL_ERROR: i64 = -32603;

/// The way between one client and one instance.
pub(crate) struct Bridge {
    gateway: Gateway,
    path: String,
    outbox: mpsc::Sender<Bytes>,
    session: Session,
    mirrored: Mirrored,
    /// Requests that are not answered.
    open: OpenRequests,
    tasks: TaskTracker,
    /// There is a stream for what belongs to no request, or somebody tries.
    is_listening: AtomicBool,
    /// Ends streams that end for no other reason.
    over: CancellationToken,
    /// Takes what only people can do something about.
    complain: fn(&str),
}

impl Bridge {
    /// Carries messages until the client closes its side or reads no more, or until `stop`. Requests that are under way when
    /// the client closes its side are answered before the end.
    pub(crate) async fn run(
        gateway: Gateway,
        instance: &str,
        (input, output): (impl AsyncRead + Unpin, impl AsyncWrite + Unpin + Send + 'static),
        complain: fn(&str),
        stop: impl Future<Output = ()>,
    ) {
        let (outbox, inbox) = mpsc::channel(WAITING);
        let bridge = Arc::new(Self {
            path: format!("/mcp/{}", utf8_percent_encode(instance, NON_ALPHANUMERIC)),
            gateway,
            outbox,
            session: Session::default(),
            mirrored: Mirrored::default(),
            open: OpenRequests::default(),
            tasks: TaskTracker::new(),
            is_listening: AtomicBool::new(false),
            over: CancellationToken::new(),
            complain,
        });
        let writer = tokio::spawn(write(output, inbox));
        let mut lines = Lines::new(input, MOST);
        let carried = async {
            while let Some(line) = lines.next().await {
                bridge.take(line).await;
            }
            bridge.over.cancel();
            bridge.tasks.close();
            bridge.tasks.wait().await;
        };
        tokio::select! {
            () = carried => {}
            // Nobody reads any more.
            () = bridge.outbox.closed() => {}
            () = stop => {}
        }
        bridge.over.cancel();
        bridge.open.cancel_all();
        let _ = tokio::time::timeout(FAREWELL, bridge.end_session()).await;
        bridge.tasks.close();
        let _ = tokio::time::timeout(FAREWELL, bridge.tasks.wait()).await;
        // The writer ends with the last that holds the way to it.
        drop(bridge);
        let _ = tokio::time::timeout(FAREWELL, writer).await;
    }

    async fn take(self: &Arc<Self>, line: Line) {
        let text = match line {
            Line::Whole(text) if text.iter().all(u8::is_ascii_whitespace) => return,
            Line::Whole(text) => text,
            Line::TooLong => {
                let reason = format!("the message has more than {MOST} bytes");
                return self.fault("null", INVALID_REQUEST, &reason).await;
            }
        };
        let message = match Message::read(text) {
            Ok(message) => message,
            Err(reason) => return self.fault("null", PARSE_ERROR, &reason).await,
        };
        match &message.kind {
            // What comes next depends on what is agreed on here.
            Kind::Request { method, .. } if method == "initialize" => self.initialize(message).await,
            Kind::Request { id, .. } => {
                let id = id.clone();
                if self.open.len() >= MOST_REQUESTS {
                    let reason =
                        format!("{MOST_REQUESTS} requests are under way, and no more are sent at once");
                    return self.fault(&id, INTERNAL_ERROR, &reason).await;
                }
                let bridge = self.clone();
                self.open.begin(id.clone(), |number| {
                    let answering = async move {
                        bridge.request(message).await;
                        bridge.open.end(&id, number);
                    };
                    self.tasks.spawn(answering).abort_handle()
                });
            }
            Kind::Batch => {
                let bridge = self.clone();
                self.tasks.spawn(async move { bridge.request(message).await });
            }
            Kind::Notification { .. } | Kind::Response => {
                let bridge = self.clone();
                self.tasks.spawn(async move { bridge.tell(message).await });
            }
        }
    }

    /// Sends what has no answer.
    async fn tell(self: &Arc<Self>, message: Message) {
        let Kind::Notification { method, cancels } = &message.kind else {
            return self.deliver(&message).await;
        };
        if let Some(id) = cancels {
            // Since 2026-07-28 the end of the stream is what cancels.
            if !message.is_modern() {
                self.deliver(&message).await;
            }
            self.open.cancel(id);
            return;
        }
        self.deliver(&message).await;
        if method == "notifications/initialized" {
            self.listen();
        }
    }

    async fn deliver(self: &Arc<Self>, message: &Message) {
        let sent = self.post(message).await;
        let refusal = match sent {
            Ok(response) if response.status().is_success() => return,
            Ok(response) => self.refusal(response).await.reason,
            Err(error) => error.to_string(),
        };
        (self.complain)(&format!("a message of the client was not taken: {refusal}"));
    }

    /// Sends a message as it came, with what its revision repeats in headers. A session that the gateway has forgotten is
    /// begun anew, since it has not looked at the message.
    async fn post(&self, message: &Message) -> Result<Response<Incoming>, ClientError> {
        let (response, agreed) = self.post_once(message).await?;
        if response.status() != http::StatusCode::NOT_FOUND || message.is_modern() || !agreed.has_session() {
            return Ok(response);
        }
        match self.renew(&agreed).await {
            Ok(()) => Ok(self.post_once(message).await?.0),
            Err(_) => Ok(response),
        }
    }

    async fn post_once(
        &self,
        message: &Message,
    ) -> Result<(Response<Incoming>, session::Agreed), ClientError> {
        let agreed = self.session.agreed();
        let mut headers = match message.is_modern() {
            true => self.mirrored.headers(message)?,
            false => agreed.headers(),
        };
        headers.insert(header::CONTENT_TYPE, JSON);
        headers.insert(header::ACCEPT, EITHER);
        let response = self.send(Method::POST, headers, message.text.clone()).await?;
        Ok((response, agreed))
    }

    async fn send(
        &self,
        method: Method,
        headers: HeaderMap,
        body: Bytes,
    ) -> Result<Response<Incoming>, ClientError> {
        self.gateway.open(method, &self.path, headers, body).await
    }

    /// An answer that the gateway did not write.
    async fn fault(&self, id: &str, code: i64, message: &str) {
        let message = serde_json::Value::from(message);
        let text = format!(
            "{{\"jsonrpc\":\"2.0\",\"id\":{id},\"error\":{{\"code\":{code},\"message\":{message}}}}}"
        );
        self.write(text.into()).await;
    }

    async fn write(&self, text: Bytes) {
        // A client that is gone ends all of it.
        let _ = self.outbox.send(text).await;
    }
}

/// One message a line. Line breaks stand between members only: within texts JSON has others.
async fn write(mut output: impl AsyncWrite + Unpin, mut inbox: mpsc::Receiver<Bytes>) {
    while let Some(text) = inbox.recv().await {
        let mut line = text.to_vec();
        for byte in &mut line {
            if matches!(byte, b'\n' | b'\r') {
                *byte = b' ';
            }
        }
        line.push(b'\n');
        if output.write_all(&line).await.is_err() || output.flush().await.is_err() {
            return;
        }
    }
}
