//! What is remembered of a request: one line of the log, and whatever gates make of it.

use super::{Door, Gates, Verdict};
use crate::{
    engine::Outcome,
    spans::{Attribute, OpenSpan, Spans},
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header::USER_AGENT};
use mcp_common::{authenticator::Principal, key::Revision};
use std::{
    borrow::Cow,
    net::IpAddr,
    sync::Arc,
    time::{Duration, Instant},
};

/// The header by which clients say which revision they speak.
const PROTOCOL_VERSION: HeaderName = HeaderName::from_static("mcp-protocol-version");
/// In bytes.
const MOST_OF_A_HEADER: usize = 80;
/// The status of a request whose client closed the connection first, as nginx logs it.
const CLIENT_CLOSED: u16 = 499;

/// One request, from its beginning until its answer is made, or its stream has ended. Dropping it ends it, also where the
/// client went away.
pub struct Record {
    gates: Option<Gates>,
    /// The door where it came in.
    pub door: Door,
    request_id: HeaderValue,
    /// Who sent it, as far as that was found out.
    subject: Option<Arc<str>>,
    /// The id of the key of the store that was shown.
    key: Option<Arc<str>>,
    has_entered: bool,
    /// The address that its connection comes from.
    pub address: Option<IpAddr>,
    /// What the headers say of the client and of the revision that it speaks.
    user_agent: Option<HeaderValue>,
    revision: Option<HeaderValue>,
    /// The bytes of the answer's body, where they are known before it is sent.
    pub bytes: Option<u64>,
    /// The instance, where there is one.
    pub instance: Option<Arc<str>>,
    /// The HTTP method and the path, for the admin API.
    pub path: Option<(http::Method, String)>,
    /// What the protocol says of it.
    pub trace: Trace,
    /// Somebody shows with it who they are, for what comes later.
    signs_in: bool,
    status: u16,
    started: Instant,
    is_logged: bool,
    /// Where anybody hears of it.
    span: Option<Box<OpenSpan>>,
}

/// What the protocol says of a message.
#[derive(Clone, Debug, Default)]
pub struct Trace {
    /// Method, `-` where there is none or it is unknown.
    pub method: &'static str,
    /// Name and version of the client, where the message has them.
    pub client: Option<Arc<str>>,
    /// The revision that was agreed on.
    pub revision: Option<&'static str>,
    /// Name of the called tool, where it exists.
    pub tool: Option<Arc<str>>,
    /// How a tool call ended.
    pub outcome: Option<Outcome>,
    /// What the upstream answered.
    pub upstream_status: Option<u16>,
    /// The revision of the definition of the tool.
    pub definition: Option<Revision>,
    /// JSON-RPC error code.
    pub error: Option<i32>,
    /// The caller may not do this, or there is no such thing for them.
    pub is_refused: bool,
    /// What somebody outside said about the call, where they were asked.
    pub external: Option<Verdict>,
}

impl Record {
    pub(super) fn begin(gates: Option<Gates>, door: Door, request_id: HeaderValue) -> Self {
        let trace = Trace {
            method: "-",
            ..Trace::default()
        };
        Self {
            gates,
            door,
            request_id,
            subject: None,
            key: None,
            has_entered: false,
            address: None,
            user_agent: None,
            revision: None,
            bytes: None,
            instance: None,
            path: None,
            trace,
            signs_in: false,
            status: CLIENT_CLOSED,
            started: Instant::now(),
            is_logged: true,
            span: None,
        }
    }

    /// Writes no line, and is for the gates alone.
    pub fn without_line(mut self) -> Self {
        self.is_logged = false;
        self
    }

    /// Somebody shows with it who they are, for what comes later.
    pub fn of_sign_in(mut self) -> Self {
        self.signs_in = true;
        self
    }

    /// Whether somebody shows with it who they are, for what comes later.
    pub fn signs_in(&self) -> bool {
        self.signs_in
    }

    /// Has it heard of by others. From now on the headers name its span, so that whatever is made for the request is beneath it.
    pub fn traced(&mut self, spans: Option<&Arc<dyn Spans>>, headers: &mut HeaderMap) {
        self.span = spans.and_then(|spans| OpenSpan::of_request(spans, headers));
    }

    /// Remembers what the headers say of the client.
    pub fn of_client(&mut self, headers: &HeaderMap) {
        self.user_agent = headers.get(USER_AGENT).cloned();
        self.revision = headers.get(PROTOCOL_VERSION).cloned();
    }

    /// Who sent it.
    pub fn sent_by(&mut self, principal: &Principal) {
        self.subject = Some(principal.subject.clone());
        self.key = principal.grant.as_ref().and_then(|grant| grant.key().cloned());
    }

    /// The policy has let its sender in.
    pub fn entered(&mut self) {
        self.has_entered = true;
    }

    /// Whether the policy has let its sender in.
    pub fn has_entered(&self) -> bool {
        self.has_entered
    }

    /// The answer's status.
    pub fn answered(&mut self, status: StatusCode) {
        self.status = status.as_u16();
    }

    /// The same, as it stands in the header.
    pub fn id(&self) -> &HeaderValue {
        &self.request_id
    }

    /// Its name in the log and in the answer.
    pub fn request_id(&self) -> &str {
        self.request_id.to_str().unwrap_or_default()
    }

    /// What its stream ended with, where the answer was one.
    pub(crate) fn ended(&mut self, trace: Trace) {
        let Trace {
            method,
            client,
            revision,
            external,
            ..
        } = std::mem::take(&mut self.trace);
        self.trace = Trace {
            method,
            client,
            revision,
            external,
            ..trace
        };
    }

    /// Who sent it, as far as that was found out.
    pub fn subject(&self) -> Option<&Arc<str>> {
        self.subject.as_ref()
    }

    /// The id of the key of the store that was shown.
    pub fn key(&self) -> Option<&Arc<str>> {
        self.key.as_ref()
    }

    /// The answer's status; 499 where the client went away before.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// How long it has taken.
    pub fn duration(&self) -> Duration {
        self.started.elapsed()
    }

    /// By the names of OpenTelemetry's conventions, where these have one.
    fn describe(&self, span: &mut OpenSpan) {
        if !span.is_sampled() {
            return;
        }
        let shared = |text: &Arc<str>| Attribute::text(text.to_string());
        let trace = &self.trace;
        match (self.door, &self.path) {
            (Door::Mcp, _) => {
                span.named(match &trace.tool {
                    Some(tool) => Cow::Owned(format!("{} {tool}", trace.method)),
                    None => Cow::Borrowed(trace.method),
                });
                span.with("mcp.method.name", Attribute::text(trace.method));
                span.maybe("mcp.protocol.version", trace.revision.map(Attribute::text));
                span.maybe("gen_ai.tool.name", trace.tool.as_ref().map(shared));
                span.maybe("dynmcp.instance", self.instance.as_ref().map(shared));
                span.maybe("dynmcp.client", trace.client.as_ref().map(shared));
            }
            (Door::Admin, Some((method, path))) => {
                // Not the whole path: names are few.
                let place = path.split('/').take(3).collect::<Vec<_>>().join("/");
                span.named(format!("{method} {place}"));
                span.with("http.request.method", Attribute::text(method.to_string()));
                span.with("url.path", Attribute::text(path.clone()));
            }
            (Door::Admin, None) => span.named("admin"),
        }
        let outcome = trace.outcome.map(|outcome| outcome.as_str());
        span.with("http.response.status_code", Attribute::number(self.status));
        span.maybe(
            "rpc.response.status_code",
            trace.error.map(|code| Attribute::text(code.to_string())),
        );
        span.maybe("dynmcp.outcome", outcome.map(Attribute::text));
        span.maybe("enduser.id", self.subject.as_ref().map(shared));
        span.maybe(
            "client.address",
            self.address.map(|address| Attribute::text(address.to_string())),
        );
        span.with("dynmcp.request_id", Attribute::text(self.request_id().to_owned()));
        if let Some(outcome) = outcome.filter(|outcome| *outcome != Outcome::Ok.as_str()) {
            span.failed(outcome);
        } else if let Some(error) = trace.error {
            span.failed(error.to_string());
        } else if self.status >= 500 {
            span.failed(self.status.to_string());
        }
    }

    fn log(&self) {
        let duration_us = u64::try_from(self.duration().as_micros()).unwrap_or(u64::MAX);
        match self.door {
            Door::Mcp => tracing::info!(
                target: "dynmcp::request",
                request_id = self.request_id(),
                address = self.address.map(tracing::field::display),
                instance = self.instance.as_deref(),
                principal = self.subject.as_deref(),
                key = self.key.as_deref(),
                client = self.trace.client.as_deref().or(short(self.user_agent.as_ref())),
                revision = self.trace.revision.or(short(self.revision.as_ref())),
                method = self.trace.method,
                tool = self.trace.tool.as_deref(),
                status = self.status,
                upstream_status = self.trace.upstream_status,
                outcome = self.trace.outcome.map(|outcome| outcome.as_str()),
                error = self.trace.error,
                external = self.trace.external.map(Verdict::as_str),
                bytes = self.bytes,
                duration_us,
            ),
            Door::Admin => tracing::info!(
                target: "dynmcp::admin",
                // Without the span that it may be in, which says no more.
                parent: None,
                request_id = self.request_id(),
                method = self.path.as_ref().map(|(method, _)| method.as_str()),
                path = self.path.as_ref().map(|(_, path)| &**path),
                address = self.address.map(tracing::field::display),
                principal = self.subject.as_deref(),
                key = self.key.as_deref(),
                // As in the lines of `/mcp`, so that one search finds a client in both.
                client = short(self.user_agent.as_ref()),
                revision = short(self.revision.as_ref()),
                status = self.status,
                bytes = self.bytes,
                duration_us,
            ),
        }
    }
}

/// As much of a header as a line has room for.
fn short(value: Option<&HeaderValue>) -> Option<&str> {
    let text = value?.to_str().ok()?;
    text.get(..text.len().min(MOST_OF_A_HEADER))
}

impl Drop for Record {
    fn drop(&mut self) {
        for gate in self.gates.iter().flat_map(|gates| &**gates) {
            gate.over(self);
        }
        if self.is_logged {
            self.log();
        }
        if let Some(mut span) = self.span.take() {
            self.describe(&mut span);
        }
    }
}
