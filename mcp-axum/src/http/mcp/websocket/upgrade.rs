//! The opening handshake (RFC 6455, chapter 4), and who goes on with the connection afterwards.

use crate::http::error::Error;
use futures_util::future::BoxFuture;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header, request::Parts};
use std::sync::{Arc, Mutex, PoisonError};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

const WEBSOCKET: HeaderValue = HeaderValue::from_static("websocket");
/// The only one that there is.
const VERSION: HeaderValue = HeaderValue::from_static("13");
/// What clients of MCP call it; those that name nothing are taken, too.
const SUBPROTOCOL: &str = "mcp";

/// What becomes of a connection that is no longer one of HTTP. Its worker counts it and looks after it as before.
#[derive(Clone, Default)]
pub(crate) struct Takeover(Arc<Mutex<Option<BoxFuture<'static, ()>>>>);

impl Takeover {
    /// Goes on with this when HTTP is over.
    pub(super) fn go_on_with(&self, work: impl Future<Output = ()> + Send + 'static) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::pin(work));
    }

    /// What is to be done then.
    pub(crate) fn taken(&self) -> Option<BoxFuture<'static, ()>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Whether a request may want it.
    pub(crate) fn is_for(headers: &HeaderMap) -> bool {
        headers.contains_key(header::UPGRADE)
    }
}

/// The headers that answer an opening handshake.
pub(super) fn check(parts: &Parts) -> Result<HeaderMap, Error> {
    let headers = &parts.headers;
    let is_one = parts.method == Method::GET && has(headers, &header::UPGRADE, "websocket");
    let key = headers.get(header::SEC_WEBSOCKET_KEY);
    let (true, true, Some(key)) = (is_one, has(headers, &header::CONNECTION, "upgrade"), key) else {
        let message = "this path is a WebSocket: open it with a WebSocket client (over HTTP, clients use /mcp/INSTANCE)";
        return Err(Error::new(StatusCode::UPGRADE_REQUIRED, message).with_header(header::UPGRADE, WEBSOCKET));
    };
    if headers.get(header::SEC_WEBSOCKET_VERSION) != Some(&VERSION) {
        return Err(
            Error::new(StatusCode::UPGRADE_REQUIRED, "this is version 13 of WebSocket")
                .with_header(header::SEC_WEBSOCKET_VERSION, VERSION),
        );
    }
    let accept = HeaderValue::try_from(derive_accept_key(key.as_bytes()))
        .map_err(|error| Error::internal(error.to_string()))?;
    let mut answer = HeaderMap::from_iter([
        (header::UPGRADE, WEBSOCKET),
        (header::SEC_WEBSOCKET_ACCEPT, accept),
    ]);
    if has(headers, &header::SEC_WEBSOCKET_PROTOCOL, SUBPROTOCOL) {
        answer.insert(
            header::SEC_WEBSOCKET_PROTOCOL,
            HeaderValue::from_static(SUBPROTOCOL),
        );
    }
    Ok(answer)
}

/// Whether a header's list has the word.
fn has(headers: &HeaderMap, name: &HeaderName, word: &str) -> bool {
    let values = headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok());
    values
        .flat_map(|value| value.split(','))
        .any(|item| item.trim().eq_ignore_ascii_case(word))
}
