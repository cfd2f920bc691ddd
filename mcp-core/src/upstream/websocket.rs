//! WebSockets: one message in each text frame. The protocol has no such transport, but servers have, and they agree on this.

use super::{
    conduit::{self, Conduit},
    error::{UpstreamError, excerpt},
    http::{HttpLink, Versions},
    news::News,
    settings::HubSettings,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use futures_util::{Sink, SinkExt, Stream, StreamExt};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use hyper_util::rt::TokioIo;
use mcp_common::definition::UpstreamDefinition;
use std::{
    sync::{Arc, Weak},
    time::Duration,
};
use tokio::{
    sync::mpsc,
    time::{MissedTickBehavior, interval, timeout},
};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        Error, Message, Utf8Bytes,
        error::CapacityError,
        handshake::derive_accept_key,
        protocol::{Role, WebSocketConfig},
    },
};
use tokio_util::sync::CancellationToken;

/// What clients and servers call messages of MCP over a WebSocket.
const PROTOCOL: HeaderValue = HeaderValue::from_static("mcp");
/// How often the server is asked whether it is there.
const PING_EVERY: Duration = Duration::from_secs(15);
/// Silence after which it is not.
const LONGEST_SILENCE: Duration = Duration::from_secs(50);
/// How long a server may take to hear that it is over.
const FAREWELL: Duration = Duration::from_secs(2);

/// Opens a WebSocket.
pub(super) async fn open(
    definition: &Arc<UpstreamDefinition>,
    settings: &HubSettings,
    news: Arc<News>,
) -> Result<Arc<Conduit>, UpstreamError> {
    let most = usize::try_from(definition.limits.max_response_bytes.0).unwrap_or(usize::MAX);
    let http = HttpLink::new(definition, settings, news.clone(), Versions::One)?;
    let (asked, accepted) = handshake()?;
    let response = http.upgrade(asked).await?;
    if response.status() != StatusCode::SWITCHING_PROTOCOLS {
        return Err(match response.status().is_success() {
            true => UpstreamError::NotMcp(format!("{} opens no WebSocket", http.uri())),
            false => http.refused(response, None).await,
        });
    }
    let is_accepted = response
        .headers()
        .get(header::SEC_WEBSOCKET_ACCEPT)
        .is_some_and(|value| value.as_bytes() == accepted.as_bytes());
    if !is_accepted {
        let text = format!("{} answers the handshake of another WebSocket", http.uri());
        return Err(UpstreamError::NotMcp(text));
    }
    let upgraded = hyper::upgrade::on(response)
        .await
        .map_err(|error| UpstreamError::Connection(format!("the WebSocket was not opened: {error}")))?;
    let mut config = WebSocketConfig::default();
    config.max_message_size = Some(most);
    config.max_frame_size = Some(most);
    let socket = WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Client, Some(config)).await;
    let (sink, stream) = socket.split();
    let (outward, inbox) = conduit::queue();
    let conduit = Conduit::new(outward, news, "WebSocket");
    let stop = conduit.stop();
    let writing = tokio::spawn(write(sink, inbox, stop.clone()));
    let reading = Reading {
        conduit: Arc::downgrade(&conduit),
        most,
    };
    conduit.kept_by(async move {
        let over = tokio::select! {
            () = stop.cancelled() => "the WebSocket was ended".to_owned(),
            over = reading.run(stream) => over,
        };
        stop.cancel();
        // It says goodbye, if the server still reads.
        let _ = timeout(FAREWELL, writing).await;
        if let Some(conduit) = reading.conduit.upgrade() {
            conduit.over(&over);
        }
    });
    Ok(conduit)
}

/// The headers that ask for a WebSocket, and what the server has to answer (RFC 6455, section 4.1).
fn handshake() -> Result<(HeaderMap, String), UpstreamError> {
    let mut nonce = [0_u8; 16];
    getrandom::fill(&mut nonce)
        .map_err(|error| UpstreamError::Connection(format!("there is no randomness: {error}")))?;
    let key = STANDARD.encode(nonce);
    let accepted = derive_accept_key(key.as_bytes());
    let mut headers = HeaderMap::new();
    headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(header::SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
    headers.insert(header::SEC_WEBSOCKET_PROTOCOL, PROTOCOL);
    let key = HeaderValue::try_from(key).unwrap_or(PROTOCOL);
    headers.insert(header::SEC_WEBSOCKET_KEY, key);
    Ok((headers, accepted))
}

struct Reading {
    conduit: Weak<Conduit>,
    most: usize,
}

impl Reading {
    /// Until nothing comes any more; says why.
    async fn run(&self, mut stream: impl Stream<Item = Result<Message, Error>> + Unpin) -> String {
        loop {
            let text: Bytes = match timeout(LONGEST_SILENCE, stream.next()).await {
                Err(_) => {
                    return format!("the server was silent for {LONGEST_SILENCE:?}, and answered no ping");
                }
                Ok(None) => return "the server's WebSocket ended".to_owned(),
                Ok(Some(Err(Error::Capacity(CapacityError::MessageTooLong { .. })))) => {
                    let limit = self.most as u64;
                    return UpstreamError::TooLarge { limit }.to_string();
                }
                Ok(Some(Err(error))) => return format!("the WebSocket broke: {error}"),
                Ok(Some(Ok(Message::Text(text)))) => text.into(),
                Ok(Some(Ok(Message::Binary(bytes)))) => bytes,
                Ok(Some(Ok(Message::Close(frame)))) => {
                    let reason = frame.map(|frame| format!(": {} {}", frame.code, excerpt(&frame.reason)));
                    let reason = reason.unwrap_or_default();
                    return format!("the server closed the WebSocket{}", reason.trim_end());
                }
                Ok(Some(Ok(_))) => continue,
            };
            let Some(conduit) = self.conduit.upgrade() else {
                return String::new();
            };
            // What is no message is counted.
            let _ = conduit.take(&text).await;
        }
    }
}

async fn write<S>(mut sink: S, mut inbox: mpsc::Receiver<Bytes>, stop: CancellationToken)
where
    S: Sink<Message, Error = Error> + Unpin,
{
    let mut pings = interval(PING_EVERY);
    pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
    pings.reset();
    loop {
        let message = tokio::select! {
            () = stop.cancelled() => break,
            text = inbox.recv() => {
                let Some(text) = text else { break };
                // Ours are always text.
                let Ok(text) = Utf8Bytes::try_from(text) else { continue };
                Message::Text(text)
            }
            _ = pings.tick() => Message::Ping(Bytes::new()),
        };
        let sent = tokio::select! {
            () = stop.cancelled() => break,
            sent = sink.send(message) => sent,
        };
        if sent.is_err() {
            return;
        }
    }
    let _ = timeout(FAREWELL, sink.send(Message::Close(None))).await;
}
