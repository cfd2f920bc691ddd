//! A record as it stands in the file.

use super::{
    buffer::{Event, Item},
    entry::{Entry, What},
    redaction::Redaction,
};
use crate::timestamp::rfc3339;
use mcp_core::spec::Method;
use serde::Serialize;
use serde_json::value::RawValue;
use std::{borrow::Cow, net::IpAddr};

/// Its members, in their order; its place in the chain stands around them.
#[derive(Serialize, Default)]
pub(super) struct Line<'a> {
    at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    event: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    torn: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lost: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    count: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    through: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    principal: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    action: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    instance: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    decision: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    upstream: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    external: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ms: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<IpAddr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    trace_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    revision: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    arguments: Option<Cow<'a, RawValue>>,
}

impl<'a> Line<'a> {
    pub(super) fn of(item: &'a Item, redaction: &Redaction) -> Self {
        match item {
            Item::Entry(entry) => Self::of_entry(entry, redaction),
            Item::Event(event) => Self::of_event(event),
        }
    }

    fn of_entry(entry: &'a Entry, redaction: &Redaction) -> Self {
        let mut line = Self {
            at: rfc3339(entry.at),
            principal: entry.principal.as_deref(),
            key_id: entry.key.as_deref(),
            decision: Some(if entry.is_allowed { "allow" } else { "refuse" }),
            outcome: Some(entry.outcome),
            reason: entry.reason.as_deref(),
            status: entry.status,
            error: entry.error,
            upstream: entry.upstream,
            external: entry.external,
            // To the microsecond.
            ms: entry.took.map(|took| took.as_micros() as f64 / 1_000.0),
            bytes: entry.bytes,
            address: entry.address,
            request_id: entry.request_id.to_str().ok(),
            trace_id: entry.trace_id.as_ref().and_then(|id| str::from_utf8(id).ok()),
            revision: entry.revision,
            arguments: entry
                .arguments
                .as_deref()
                .map(|arguments| Cow::Owned(redaction.apply(arguments))),
            ..Self::default()
        };
        match &entry.what {
            What::Mcp {
                instance,
                method,
                target,
            } => {
                line.action = Some(method.name());
                line.instance = Some(instance);
                match method {
                    Method::ToolsCall => line.tool = target.as_deref(),
                    _ => line.target = target.as_deref(),
                }
            }
            What::Admin { action, path } => {
                line.action = Some(action);
                line.target = Some(path);
            }
            What::Enter { instance, path } => {
                line.action = Some("enter");
                line.instance = instance.as_deref();
                line.target = path.as_deref();
            }
        }
        line
    }

    fn of_event(event: &Event) -> Self {
        let mut line = Self {
            at: rfc3339(std::time::SystemTime::now()),
            ..Self::default()
        };
        line.event = Some(match event {
            Event::Start { torn } => {
                line.version = Some(env!("CARGO_PKG_VERSION"));
                line.torn = *torn;
                "start"
            }
            Event::Stop => "stop",
            Event::Gap { lost, since } => {
                line.lost = Some(*lost);
                line.since = Some(rfc3339(*since));
                "gap"
            }
            Event::Refusals { count } => {
                line.count = Some(*count);
                "refusals"
            }
            Event::Removed { through } => {
                line.through = Some(*through);
                "removed"
            }
        });
        line
    }
}
