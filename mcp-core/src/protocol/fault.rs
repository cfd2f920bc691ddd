//! JSON-RPC errors and the HTTP status each one travels with (`docs/PROTOCOL.md`, chapter 4).

use super::envelope::{self, Body, Id, Message};
use crate::{
    policy::{Refusal, Standing, Verdict},
    spec::Era,
};
use http::StatusCode;
use serde_json::{Value, json, value::RawValue};
use std::time::Duration;

/// A refusal of the protocol layer. Boxed: the way without one should not carry its size.
#[derive(Clone, Debug)]
pub struct Fault(Box<Parts>);

#[derive(Clone, Debug)]
struct Parts {
    status: StatusCode,
    code: i32,
    message: String,
    data: Option<Value>,
    retry_after: Option<Duration>,
    id: Option<String>,
    /// There is nothing of the name that was asked for, or the caller is not to know of it.
    hides: bool,
    scopes: Vec<String>,
    external: Option<Verdict>,
    standing: Option<Standing>,
}

impl Fault {
    fn new(status: StatusCode, code: i32, message: impl Into<String>) -> Self {
        Self(Box::new(Parts {
            status,
            code,
            message: message.into(),
            data: None,
            retry_after: None,
            id: None,
            hides: false,
            scopes: Vec::new(),
            external: None,
            standing: None,
        }))
    }

    fn hiding(mut self) -> Self {
        self.0.hides = true;
        self
    }

    /// What somebody outside said about the call, where they were asked.
    pub(super) fn consulted(mut self, verdict: Option<Verdict>) -> Self {
        self.0.external = verdict;
        self
    }

    /// Where the caller stands with their limits, where the call counted for any.
    pub(super) fn standing_at(mut self, standing: Option<Standing>) -> Self {
        self.0.standing = standing;
        self
    }

    pub(super) fn standing(&self) -> Option<&Standing> {
        self.0.standing.as_ref()
    }

    pub(super) fn external(&self) -> Option<Verdict> {
        self.0.external
    }

    /// Whether there is nothing of the name that was asked for, or the caller is not to know of it.
    pub(super) fn hides(&self) -> bool {
        self.0.hides
    }

    /// What is refused by HTTP before there is a message: the code is the status, which no code of JSON-RPC or MCP is.
    pub fn of_http(status: StatusCode, message: impl Into<String>) -> Self {
        Self::new(status, status.as_u16().into(), message)
    }

    /// -32700: the body is not JSON.
    pub fn parse(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, -32700, message)
    }

    /// -32600: JSON, but not a message that may stand here.
    pub fn invalid_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, -32600, message)
    }

    /// -32600 with HTTP 404: the session is unknown or over.
    pub fn session_not_found() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            -32600,
            "Session not found: initialize again",
        )
    }

    /// -32601: in the modern era with HTTP 404, before that in-band.
    pub fn method_not_found(method: &str, era: Era) -> Self {
        let status = match era {
            Era::Modern => StatusCode::NOT_FOUND,
            Era::Legacy => StatusCode::OK,
        };
        Self::new(status, -32601, format!("Method not found: {}", excerpt(method)))
    }

    /// -32602 raised by a method: in-band, so that probing clients do not take it for an old server.
    pub fn invalid_params(message: impl Into<String>) -> Self {
        Self::new(StatusCode::OK, -32602, message)
    }

    /// -32602 about the modern envelope: HTTP 400.
    pub fn invalid_envelope(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, -32602, message)
    }

    /// -32020: a header is missing, malformed, or does not say what the body says.
    pub fn header_mismatch(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, -32020, message)
    }

    /// -32022: a protocol version that is not served.
    pub fn unsupported_version(requested: &str, supported: &[&str]) -> Self {
        let message = format!("Unsupported protocol version: {}", excerpt(requested));
        let mut fault = Self::new(StatusCode::BAD_REQUEST, -32022, message);
        fault.0.data = Some(json!({"supported": supported, "requested": requested}));
        fault
    }

    /// -32602 (before 2026-07-28 -32002): nothing offers this URI; in-band.
    pub fn resource_not_found(uri: &str, era: Era) -> Self {
        let code = match era {
            Era::Modern => -32602,
            Era::Legacy => -32002,
        };
        let message = format!("Resource not found: {}", excerpt(uri));
        let mut fault = Self::new(StatusCode::OK, code, message);
        fault.0.data = Some(json!({"uri": uri}));
        fault.hiding()
    }

    /// -32021 with HTTP 400: the client did not declare what the request needs. Before 2026-07-28 there is no such error.
    pub(super) fn missing_capability(message: &str, needed: &RawValue, era: Era) -> Self {
        if era == Era::Legacy {
            return Self::internal(message);
        }
        let mut fault = Self::new(StatusCode::BAD_REQUEST, -32021, message);
        fault.0.data = serde_json::from_str(needed.get()).ok();
        fault
    }

    /// -32042: pages have to be opened first (2025-11-25); in-band.
    pub(super) fn needs_pages(message: &str, pages: &RawValue) -> Self {
        let mut fault = Self::new(StatusCode::OK, -32042, message);
        fault.0.data = serde_json::from_str(pages.get()).ok();
        fault
    }

    /// -32603: the gateway cannot do it now; in-band.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(StatusCode::OK, -32603, message)
    }

    /// 406: an event stream is the only possible answer and the client excludes it.
    pub fn not_acceptable() -> Self {
        Self::new(
            StatusCode::NOT_ACCEPTABLE,
            -32600,
            "this answer is a text/event-stream, which `Accept` excludes",
        )
    }

    /// -32600 with HTTP 508: the request has been here before.
    pub fn loop_detected(message: impl Into<String>) -> Self {
        Self::new(StatusCode::LOOP_DETECTED, -32600, message)
    }

    /// What a request is refused with that its caller may not make, or not now. One that must not be known of is as
    /// unknown as any other.
    pub(super) fn refused(refusal: &Refusal, unknown: impl FnOnce() -> Self) -> Self {
        let reason = refusal.to_string();
        match refusal {
            Refusal::Unauthenticated(_) => Self::of_http(StatusCode::UNAUTHORIZED, reason),
            Refusal::Forbidden(_) => Self::of_http(StatusCode::FORBIDDEN, reason),
            Refusal::Hidden => unknown(),
            Refusal::Unable(_) => Self::of_http(StatusCode::SERVICE_UNAVAILABLE, reason),
            Refusal::Limited {
                retry_after,
                standing,
                ..
            } => {
                let mut fault = Self::of_http(StatusCode::TOO_MANY_REQUESTS, reason);
                fault.0.data = Some(json!({"retryAfterSeconds": retry_after.as_secs_f64()}));
                fault.0.retry_after = Some(*retry_after);
                fault.0.standing.clone_from(standing);
                fault
            }
        }
    }

    /// 403: the token of the caller does not have what the call needs (RFC 6750, section 3.1).
    pub(super) fn insufficient_scope(scopes: Vec<String>) -> Self {
        let mut fault = Self::of_http(
            StatusCode::FORBIDDEN,
            format!(
                "the token does not have the scopes that are needed: {}",
                scopes.join(" ")
            ),
        );
        fault.0.scopes = scopes;
        fault
    }

    /// The scopes that a token of the caller would need.
    pub fn scopes(&self) -> &[String] {
        &self.0.scopes
    }

    /// -32602: the instance has no tool of this name.
    pub(super) fn unknown_tool(name: &str) -> Self {
        Self::invalid_params(format!("Unknown tool: {}", excerpt(name))).hiding()
    }

    /// -32602: the instance has no prompt of this name.
    pub(super) fn unknown_prompt(name: &str) -> Self {
        Self::invalid_params(format!("Unknown prompt: {}", excerpt(name))).hiding()
    }

    /// The time after which it is worth another try.
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// The request that this answers.
    pub fn with_id(mut self, id: Id<'_>) -> Self {
        self.0.id = Some(id.as_json().to_owned());
        self
    }

    /// What is found before a message is looked at answers it all the same.
    pub fn of_message(self, body: &[u8]) -> Self {
        match envelope::parse(body) {
            Ok(Body::Single(Message::Request(request))) => self.with_id(request.id),
            _ => self,
        }
    }

    /// HTTP status.
    pub fn status(&self) -> StatusCode {
        self.0.status
    }

    /// JSON-RPC error code.
    pub fn code(&self) -> i32 {
        self.0.code
    }

    /// The whole JSON-RPC message. What answers no request that could be read has `null` for an id, as JSON-RPC 2.0 says: clients take a message
    /// without the member for none at all.
    pub fn to_json(&self) -> String {
        let mut out = String::from("{\"jsonrpc\":\"2.0\",");
        out.extend(["\"id\":", self.0.id.as_deref().unwrap_or("null"), ","]);
        let mut error = json!({"code": self.0.code, "message": self.0.message});
        if let Some(data) = &self.0.data {
            error["data"] = data.clone();
        }
        out.extend(["\"error\":", &error.to_string(), "}"]);
        out
    }
}

/// What a client sent may be long; an error message quotes only its beginning.
pub(super) fn excerpt(text: &str) -> &str {
    const MAX: usize = 100;
    let mut end = text.len().min(MAX);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}
