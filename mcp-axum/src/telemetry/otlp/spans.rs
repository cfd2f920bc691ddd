//! Spans as the protocol has them.

use super::wire::{
    Any, Code, Kind, Member, Resource, ResourceSpans, Scope, ScopeSpans, Span, Status, Traces, Value,
};
use mcp_core::spans::{Attribute, EndedSpan, SpanKind};
use std::time::{SystemTime, UNIX_EPOCH};

/// The flags of a span: that it is sampled (bit 0), and whether what is above it is known to be elsewhere (bits 8 and 9).
const SAMPLED: u32 = 1;
const PARENT_IS_KNOWN: u32 = 1 << 8;
const PARENT_IS_REMOTE: u32 = 1 << 9;

pub(super) fn message(spans: Vec<EndedSpan>, resource: &Resource) -> Traces {
    Traces {
        resources: vec![ResourceSpans {
            resource: Some(resource.clone()),
            scopes: vec![ScopeSpans {
                scope: Some(scope()),
                spans: spans.into_iter().map(written).collect(),
            }],
        }],
    }
}

fn written(span: EndedSpan) -> Span {
    let started = nanoseconds(span.started);
    let took = u64::try_from(span.took.as_nanos()).unwrap_or(u64::MAX);
    let is_from_outside = span.kind == SpanKind::Server && span.parent.is_some();
    let state = span.state.as_ref().and_then(|state| state.to_str().ok());
    let is_error = span.error.is_some();
    let error = span
        .error
        .map(|error| member("error.type", Value::Text(error.into_owned())));
    let known = span.attributes.into_iter().map(|(name, value)| match value {
        Attribute::Text(text) => member(name, Value::Text(text.into_owned())),
        Attribute::Number(number) => member(name, Value::Number(number)),
    });
    Span {
        trace: span.context.trace.to_vec(),
        span: span.context.span.to_vec(),
        state: state.unwrap_or_default().to_owned(),
        parent: span.parent.map(Vec::from).unwrap_or_default(),
        name: span.name.into_owned(),
        kind: match span.kind {
            SpanKind::Server => Kind::Server,
            SpanKind::Client => Kind::Client,
        }
        .into(),
        started,
        ended: started.saturating_add(took),
        attributes: known.chain(error).collect(),
        status: is_error.then(|| Status {
            code: Code::Error.into(),
        }),
        flags: SAMPLED | PARENT_IS_KNOWN | if is_from_outside { PARENT_IS_REMOTE } else { 0 },
    }
}

/// What all that is sent is about: this process of this service, since the numbers of several replicas are not those of one. Made once.
pub(super) fn resource(service: &str) -> Resource {
    let text = |name: &str, value: &str| member(name, Value::Text(value.to_owned()));
    let mut attributes = vec![
        text("service.name", service),
        text("service.version", env!("CARGO_PKG_VERSION")),
        member("process.pid", Value::Number(std::process::id().into())),
    ];
    attributes.extend(instance_id().map(|id| text("service.instance.id", &id)));
    attributes.extend(host_name().map(|name| text("host.name", &name)));
    Resource { attributes }
}

/// A random UUID (RFC 9562, version 4); `None` where the machine has no random numbers.
fn instance_id() -> Option<String> {
    let mut bytes = [0_u8; 16];
    getrandom::fill(&mut bytes).ok()?;
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let digits = format!("{:032x}", u128::from_be_bytes(bytes));
    let [a, b, c, d, e] = [0..8, 8..12, 12..16, 16..20, 20..32].map(|part| &digits[part]);
    Some(format!("{a}-{b}-{c}-{d}-{e}"))
}

/// Where the system says it.
fn host_name() -> Option<String> {
    let told = std::fs::read_to_string("/proc/sys/kernel/hostname").ok();
    let told = told.or_else(|| std::env::var("HOSTNAME").ok());
    let told = told.or_else(|| std::env::var("COMPUTERNAME").ok())?;
    let name = told.trim();
    (!name.is_empty()).then(|| name.to_owned())
}

/// Who says it.
pub(super) fn scope() -> Scope {
    Scope {
        name: "dynmcp".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    }
}

pub(super) fn member(name: &str, value: Value) -> Member {
    Member {
        key: name.to_owned(),
        value: Some(Any { value: Some(value) }),
    }
}

pub(super) fn nanoseconds(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}
