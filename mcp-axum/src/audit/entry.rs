//! What is remembered of a request before it is a line: cheap to make, written out by another thread.

use http::HeaderValue;
use mcp_common::key::Revision;
use mcp_core::spec::Method;
use std::{
    net::IpAddr,
    sync::Arc,
    time::{Duration, SystemTime},
};

/// What a client chose is not remembered beyond this, in bytes.
pub(super) const MOST_OF_A_NAME: usize = 256;

/// One record, but for its place among the others.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) at: SystemTime,
    pub(super) request_id: HeaderValue,
    pub(super) address: Option<IpAddr>,
    pub(super) trace_id: Option<TraceId>,
    pub(super) principal: Option<Arc<str>>,
    pub(super) key: Option<Arc<str>>,
    pub(super) what: What,
    pub(super) is_allowed: bool,
    /// How it ended, in one word.
    pub(super) outcome: &'static str,
    /// Why it was refused.
    pub(super) reason: Option<Box<str>>,
    /// JSON-RPC error code.
    pub(super) error: Option<i32>,
    /// HTTP status.
    pub(super) status: Option<u16>,
    /// What the upstream answered.
    pub(super) upstream: Option<u16>,
    pub(super) took: Option<Duration>,
    /// Of the answer.
    pub(super) bytes: Option<u64>,
    /// Of the definition that was used, or of what was written.
    pub(super) revision: Option<Revision>,
    /// What the policy service said.
    pub(super) external: Option<&'static str>,
    /// As the client sent them; what is not to be seen goes when the line is written.
    pub(super) arguments: Option<Box<str>>,
}

/// The trace that a request is part of, in hexadecimal digits.
pub(super) type TraceId = [u8; 32];

/// What was asked for.
#[derive(Debug)]
pub(super) enum What {
    /// A method of MCP, and the name or the URI that it is about.
    Mcp {
        instance: Arc<str>,
        method: Method,
        target: Option<Box<str>>,
    },
    /// `admin/tds/write`, and where.
    Admin { action: String, path: Box<str> },
    /// Somebody was not let in, or signed in.
    Enter {
        instance: Option<Arc<str>>,
        path: Option<Box<str>>,
    },
}

impl Entry {
    /// The memory that it takes.
    pub(super) fn size(&self) -> usize {
        let text = |text: &Option<Box<str>>| text.as_ref().map_or(0, |text| text.len());
        let what = match &self.what {
            What::Mcp { target, .. } => text(target),
            What::Admin { action, path } => action.len() + path.len(),
            What::Enter { path, .. } => text(path),
        };
        size_of::<Self>() + what + text(&self.reason) + text(&self.arguments)
    }
}

/// As much of a text as is remembered.
pub(super) fn short(text: &str) -> Box<str> {
    text[..text.floor_char_boundary(MOST_OF_A_NAME)].into()
}

/// The trace that the header `traceparent` names (W3C Trace Context, "traceparent Header Field Values").
pub(super) fn trace_id(header: Option<&HeaderValue>) -> Option<TraceId> {
    let text = header?.as_bytes();
    let (id, rest) = text.get(3..)?.split_first_chunk::<32>()?;
    let is_hex = |byte: &u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    let is_whole = text[2] == b'-' && rest.first() == Some(&b'-') && id.iter().all(is_hex);
    (is_whole && id.iter().any(|digit| *digit != b'0')).then_some(*id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_is_what_the_standard_calls_one() {
        let id = |text: &'static str| trace_id(Some(&HeaderValue::from_static(text)));
        let known = id("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
        assert_eq!(known.as_ref(), Some(b"4bf92f3577b34da6a3ce929d0e0e4736"));
        for wrong in [
            "",
            "00-",
            "00-4bf92f3577b34da6a3ce929d0e0e4736",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00x4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        ] {
            assert_eq!(id(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn names_are_cut_between_characters() {
        let long = "ä".repeat(200);
        assert_eq!(short(&long).len(), MOST_OF_A_NAME);
        assert_eq!(&*short("a"), "a");
    }
}
