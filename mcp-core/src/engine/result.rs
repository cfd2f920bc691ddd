//! What came of a call.

use crate::json::quoted;
use bytes::Bytes;
use std::time::Duration;

/// The parts of a `tools/call` result, as JSON text.
#[derive(Clone, Debug)]
pub struct CallResult {
    /// The `content` array.
    pub content: Vec<u8>,
    /// `structuredContent`, on one line.
    pub structured: Option<Bytes>,
    /// `isError`.
    pub is_error: bool,
    /// The outcome for metrics and logs.
    pub outcome: Outcome,
    /// The status of the upstream's answer, if there was one.
    pub upstream_status: Option<u16>,
    /// Where the answer is not what `output_schema` promises, in the value and in the schema; nothing of what stands there.
    pub mismatch: Option<String>,
    /// What asking the upstream took; `None` where the call came to nothing before, or asks nobody.
    pub asked: Option<Asked>,
}

/// What asking an upstream took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// The time from sending to the whole answer: queue, connection, further attempts and all. `None` where nothing was sent.
    pub took: Option<Duration>,
    /// How often it was sent again, to the same endpoint or to another one.
    pub retries: u32,
}

impl CallResult {
    /// One text block.
    pub(crate) fn text(text: &str, is_error: bool, outcome: Outcome, upstream_status: Option<u16>) -> Self {
        Self {
            is_error,
            ..Self::texts(&[text], outcome, upstream_status)
        }
    }

    /// A block for each text.
    pub(crate) fn texts(texts: &[&str], outcome: Outcome, upstream_status: Option<u16>) -> Self {
        let length: usize = texts.iter().map(|text| text.len() + text.len() / 4 + 32).sum();
        let mut content = Vec::with_capacity(length + 2);
        content.push(b'[');
        for (index, text) in texts.iter().enumerate() {
            if index > 0 {
                content.push(b',');
            }
            content.extend_from_slice(b"{\"type\":\"text\",\"text\":");
            quoted(&mut content, text);
            content.push(b'}');
        }
        content.push(b']');
        Self {
            content,
            structured: None,
            is_error: false,
            outcome,
            upstream_status,
            mismatch: None,
            asked: None,
        }
    }

    /// The bytes that reach the client, without what frames them.
    pub fn size(&self) -> usize {
        self.content.len() + self.structured.as_ref().map_or(0, Bytes::len)
    }
}

/// How a call ended, as metrics and logs name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// The upstream answered with success.
    Ok,
    /// The arguments do not fit the schema or their place; nothing was sent.
    InvalidArguments,
    /// The upstream answered 4xx, or said in its answer that it did not do what it was asked for.
    Upstream4xx,
    /// The upstream answered 5xx.
    Upstream5xx,
    /// No complete answer in time.
    Timeout,
    /// No connection, or it broke.
    Connect,
    /// The TLS handshake failed.
    Tls,
    /// Request or answer exceed their size bound.
    TooLarge,
    /// The gateway does not make this call.
    Refused,
    /// The answer is not what HTTP or the definition says.
    BadAnswer,
    /// Too many calls of the tool are under way.
    Overloaded,
}

impl Outcome {
    /// All outcomes, for registering metrics.
    pub const ALL: [Self; 11] = [
        Self::Ok,
        Self::InvalidArguments,
        Self::Upstream4xx,
        Self::Upstream5xx,
        Self::Timeout,
        Self::Connect,
        Self::Tls,
        Self::TooLarge,
        Self::Refused,
        Self::BadAnswer,
        Self::Overloaded,
    ];

    /// The label's value.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::InvalidArguments => "invalid_arguments",
            Self::Upstream4xx => "upstream_4xx",
            Self::Upstream5xx => "upstream_5xx",
            Self::Timeout => "timeout",
            Self::Connect => "connect",
            Self::Tls => "tls",
            Self::TooLarge => "too_large",
            Self::Refused => "refused",
            Self::BadAnswer => "bad_answer",
            Self::Overloaded => "overloaded",
        }
    }
}
