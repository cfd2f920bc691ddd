//! The boundary error: what a refusal becomes on HTTP.
//!
//! Tiers of errors in this workspace:
//! 1. `mcp-common`, `mcp-core`, `mcp-plugin` have `thiserror` enums that say what happened and know nothing of HTTP
//!    (`Problems`, `Refusal`, `SourceError`, `Denied`, …).
//! 2. [`Error`] is the one type of this crate's HTTP surface. The `From` impls in `error/from.rs` are the one place that
//!    decides which status a tier-1 error has and how much of it the caller may read.
//! 3. An MCP method answers in JSON-RPC; its ladder is `mcp-core`'s. Only what is refused before a JSON-RPC message is
//!    read (no key, foreign host, unknown instance) comes here.
//! 4. Start-up errors end the process with one line and an exit code; they never get here.
//!
//! The body is `{"code":<status>,"error":"…"}`, but for an MCP client without a good key or instance, whose body is a JSON-RPC error. The text of a 4xx says what was wrong, where, and what to do.
//! The cause of a 5xx goes to the log only, inside the request's span, so that the request id leads to it.

mod from;

use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderName, HeaderValue, StatusCode, header};
use mcp_common::authenticator::Denied;
use mcp_core::{peer::NoMemory, policy::Refusal, protocol::fault::Fault};
use serde::Serialize;
use std::borrow::Cow;

/// A refused request.
#[derive(Clone, Debug)]
pub struct Error {
    status: StatusCode,
    message: Cow<'static, str>,
    // Boxed: every `Result` of a handler has room for an error.
    more: Box<More>,
}

#[derive(Clone, Debug, Default)]
struct More {
    /// The cause for the log, never for the caller.
    cause: Option<String>,
    header: Option<(HeaderName, HeaderValue)>,
    /// The body is a JSON-RPC error, which answers this message; empty where none was read.
    json_rpc: Option<Bytes>,
}

/// Result of a handler.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The envelope of a failure.
#[derive(Serialize)]
struct Failure<'a> {
    code: u16,
    error: &'a str,
}

impl Error {
    /// Any status with a text for the caller.
    pub fn new(status: StatusCode, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            status,
            message: message.into(),
            more: Box::default(),
        }
    }

    /// 400: the caller has to send something else.
    pub fn bad_request(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    /// 404: nothing there.
    pub fn not_found(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::NOT_FOUND, message)
    }

    /// 409: not in this state.
    pub fn conflict(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::CONFLICT, message)
    }

    /// 401 with the challenge that RFC 9110 section 11.6.1 asks for.
    pub fn unauthorized(message: impl Into<Cow<'static, str>>, challenge: &str) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, message).challenging(challenge)
    }

    fn challenging(self, challenge: &str) -> Self {
        let challenge = HeaderValue::from_str(challenge).unwrap_or(HeaderValue::from_static("Bearer"));
        self.with_header(header::WWW_AUTHENTICATE, challenge)
    }

    /// 401 or 503 for a caller that was not recognised.
    pub fn denied(denied: &Denied, challenge: &str) -> Self {
        match denied {
            Denied::Missing | Denied::Invalid(_) => Self::unauthorized(denied.to_string(), challenge),
            Denied::Scopes(_) => Self::forbidden(denied.to_string()).challenging(challenge),
            Denied::Unavailable(cause) => {
                Self::unavailable("authentication is unavailable now; try again").with_cause(cause.clone())
            }
        }
    }

    /// What a policy refuses; whoever has to show another key is told how.
    pub fn refused(refusal: &Refusal, challenge: &str) -> Self {
        match refusal {
            Refusal::Unauthenticated(denied) => Self::denied(denied, challenge),
            Refusal::Forbidden(reason) => Self::forbidden(reason.clone()),
            Refusal::Hidden => Self::not_found(refusal.to_string()),
            Refusal::Unable(reason) => Self::unavailable(reason.clone()),
            Refusal::Limited {
                reason, retry_after, ..
            } => {
                let seconds = retry_after.as_secs() + u64::from(retry_after.subsec_nanos() > 0);
                Self::new(StatusCode::TOO_MANY_REQUESTS, reason.clone())
                    .with_header(header::RETRY_AFTER, seconds.into())
            }
        }
    }

    /// 405 with what is allowed instead.
    pub fn method_not_allowed(allow: &'static str) -> Self {
        let message = format!("this path answers {allow} only");
        Self::new(StatusCode::METHOD_NOT_ALLOWED, message)
            .with_header(header::ALLOW, HeaderValue::from_static(allow))
    }

    /// 403: known, but not allowed to do this.
    pub fn forbidden(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::FORBIDDEN, message)
    }

    /// 413: more than the gateway reads.
    pub fn too_large(limit: usize) -> Self {
        let message =
            format!("the body has more than {limit} bytes, which is the limit (`app.max_body_bytes`)");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, message)
    }

    /// 503 that is worth another try in a moment.
    pub fn unavailable(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, message)
            .with_header(header::RETRY_AFTER, HeaderValue::from_static("1"))
    }

    /// 429 or 503: there is no memory for this client, or for anybody.
    pub fn no_memory(reason: NoMemory, limit: u64) -> Self {
        match reason {
            NoMemory::All => Self::unavailable(format!(
                "all {limit} bytes for bodies and answers in flight (app.memory_budget) are taken; try again in a moment, or \
                 another replica"
            )),
            NoMemory::Peer => Self::new(
                StatusCode::TOO_MANY_REQUESTS,
                format!(
                    "this address has its part of the {limit} bytes for bodies and answers in flight (app.memory_budget); \
                     take the answers that wait and send less at once (an address that stands for many clients belongs into \
                     app.front_proxies)"
                ),
            )
            .with_header(header::RETRY_AFTER, HeaderValue::from_static("1")),
        }
    }

    /// 500: the caller reads no detail, the log has the cause.
    pub fn internal(cause: impl Into<String>) -> Self {
        let message = "internal error; the gateway's log has the cause beside this request's id";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, message).with_cause(cause)
    }

    /// Says in a refusal (4xx) first what it refuses.
    #[must_use]
    pub fn prefixed(self, what: &str) -> Self {
        if !self.status.is_client_error() {
            return self;
        }
        let message = format!("{what}: {}", self.message);
        self.with_message(message)
    }

    /// The same refusal in other words.
    #[must_use]
    pub fn with_message(mut self, message: impl Into<Cow<'static, str>>) -> Self {
        self.message = message.into();
        self
    }

    /// Adds what only the log may say.
    #[must_use]
    pub fn with_cause(mut self, cause: impl Into<String>) -> Self {
        self.more.cause = Some(cause.into());
        self
    }

    /// The refusal for a client that speaks MCP and would take another body for a failure of the transport. The code is the status.
    #[must_use]
    pub fn in_json_rpc(mut self) -> Self {
        self.more.json_rpc = Some(Bytes::new());
        self
    }

    /// Whether it is a JSON-RPC error, for which the id of the message is worth reading.
    pub(super) fn is_json_rpc(&self) -> bool {
        self.more.json_rpc.is_some()
    }

    /// The same to that message.
    #[must_use]
    pub(super) fn answering(mut self, message: Bytes) -> Self {
        self.more.json_rpc = self.more.json_rpc.map(|_| message);
        self
    }

    /// The same with one more header, instead of any other that it has.
    #[must_use]
    pub(super) fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.more.header = Some((name, value));
        self
    }

    /// The HTTP status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The text that the caller reads.
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        // A probe that finds the gateway not ready has got its answer; nothing failed.
        let not_ready = self.status == StatusCode::SERVICE_UNAVAILABLE && self.more.cause.is_none();
        if self.status.is_server_error() && !not_ready {
            let cause = self.more.cause.as_deref().unwrap_or(&self.message);
            tracing::error!(status = self.status.as_u16(), cause, "request failed");
        }
        let code = self.status.as_u16();
        let mut response = match self.more.json_rpc {
            None => {
                let error = &*self.message;
                (self.status, axum::Json(Failure { code, error })).into_response()
            }
            Some(message) => {
                let fault = Fault::of_http(self.status, self.message).of_message(&message);
                let headers = [(header::CONTENT_TYPE, "application/json")];
                (self.status, headers, fault.to_json()).into_response()
            }
        };
        if let Some((name, value)) = self.more.header {
            response.headers_mut().insert(name, value);
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::to_bytes;

    async fn body(error: Error) -> String {
        let body = to_bytes(error.into_response().into_body(), 4096).await.unwrap();
        String::from_utf8(body.to_vec()).unwrap()
    }

    #[tokio::test]
    async fn the_cause_of_a_500_stays_inside() {
        let error = Error::internal("password=hunter2 refused by db7");
        assert_eq!(error.status(), StatusCode::INTERNAL_SERVER_ERROR);
        let text = body(error).await;
        assert!(
            text.starts_with(r#"{"code":500,"error":"internal error"#),
            "{text}"
        );
        assert!(!text.contains("hunter2"), "{text}");
    }

    #[tokio::test]
    async fn a_challenge_that_is_no_header_value_does_not_get_lost() {
        let response = Error::unauthorized("no key", "Bearer realm=\"a\r\nb\"").into_response();
        assert_eq!(response.headers()[header::WWW_AUTHENTICATE], "Bearer");
    }
}
