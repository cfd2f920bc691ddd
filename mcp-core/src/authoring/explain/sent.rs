//! The call was made: the answer as it came beside what the client is given of it.

use super::{ShownBody, ShownHeader, telling, title_case};
use crate::{
    authoring::tokens,
    engine::{
        Asked, CallContext, CallResult, Engine,
        http::{client::Answer, credentials},
    },
    tool::{Base, Call, ToolState, bounded},
};
use bytes::Bytes;
use http::{HeaderName, Request, header};
use http_body_util::Full;
use mcp_common::secret::ExposeSecret;
use serde::{Deserialize, Serialize};
use serde_json::{Value, value::RawValue};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

/// A longer text in a result is cut.
const MOST_TEXT: usize = 32 << 10;
/// A larger part of a result is shown by its beginning.
const MOST_JSON: usize = 256 << 10;
/// Headers of answers that carry credentials.
const SECRET: [HeaderName; 4] = [
    header::SET_COOKIE,
    header::AUTHORIZATION,
    header::PROXY_AUTHORIZATION,
    header::COOKIE,
];

/// What came of a call.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Sent {
    /// The answer as the upstream sent it, unpacked; absent where there was no complete answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<ShownAnswer>,
    /// What the client is given.
    pub result: ShownResult,
    /// How long it took.
    pub timings: Timings,
}

/// An upstream's answer.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ShownAnswer {
    /// The HTTP status.
    pub status: u16,
    /// The headers, with `***` for credentials.
    pub headers: Vec<ShownHeader>,
    /// The body; its size and tokens are those of all of it.
    pub body: ShownBody,
}

/// A tool result. Long texts are cut here, not for clients.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ShownResult {
    /// The blocks that the model reads.
    pub content: Box<RawValue>,
    /// `structuredContent`.
    #[serde(
        rename = "structuredContent",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub structured: Option<Box<RawValue>>,
    /// `isError`.
    #[serde(rename = "isError")]
    pub is_error: bool,
    /// The outcome as metrics and logs name it.
    pub outcome: String,
    /// Where the answer is not what `output_schema` promises, as the log has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mismatch: Option<String>,
    /// What `content` costs.
    pub content_cost: Cost,
    /// What `structuredContent` costs those clients that show it to their model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub structured_cost: Option<Cost>,
}

/// A size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cost {
    /// The bytes of the JSON text.
    pub bytes: usize,
    /// An estimate, see [`tokens::estimate`].
    pub tokens: u64,
}

/// How long it took, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Timings {
    /// The time from sending to the whole answer: queue, connection, further attempts and all.
    pub upstream_ms: f64,
    /// The time from the answer to the result.
    pub shape_ms: f64,
}

impl Engine {
    pub(super) async fn send_and_show(
        &self,
        (call, state): (&Arc<Call>, Option<&ToolState>),
        context: CallContext<'_>,
        request: Request<Full<Bytes>>,
    ) -> Sent {
        // A token may be renewed on the way: the one before and the one after are both looked for.
        let mut secrets = self.credentials(call, &context).await;
        let mut asked = Asked::default();
        let timeout = self.timeout(call);
        let deadline = tokio::time::Instant::now() + timeout;
        let patience = (deadline, timeout);
        let begun = Instant::now();
        let delivered = self
            .deliver((call, state), request, &context, None, patience, &mut asked)
            .await;
        // Also of what was not sent: somebody waits to see it.
        let took = asked.took.unwrap_or_else(|| begun.elapsed());
        secrets.extend(self.credentials(call, &context).await);
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        let redacted = |text: &str| {
            let hide = |text: String, secret: &String| text.replace(secret.as_str(), telling::HIDDEN);
            secrets.iter().fold(text.to_owned(), hide)
        };
        let started = Instant::now();
        let (answer, result) = match delivered {
            Ok(answer) => {
                let raw = shown_answer(&answer, &redacted);
                (Some(raw), self.shaped(call, answer, &context, deadline).await)
            }
            Err(result) => (None, result),
        };
        let shape_ms = milliseconds(started.elapsed());
        Sent {
            answer,
            result: shown_result(&result, &redacted),
            timings: Timings {
                upstream_ms: milliseconds(took),
                shape_ms,
            },
        }
    }

    /// The credential of the call in every spelling that an answer could repeat.
    async fn credentials(&self, call: &Call, context: &CallContext<'_>) -> Vec<String> {
        let Some(delivery) = &call.delivery else {
            return Vec::new();
        };
        let base = self.base(delivery).ok().flatten();
        let base = base.as_deref();
        let services = &self.services;
        let of_headers = base.into_iter().flat_map(Base::secret_headers);
        let of_headers = of_headers.filter_map(|(_, reference)| services.secrets.find(reference).ok());
        let of_headers = of_headers.map(|secret| secret.expose_secret().to_owned());
        let mut all = credentials::spelled(of_headers.collect());
        if let (Some(auth), Ok(upstream)) = (delivery.auth(base), self.connections(delivery, base)) {
            let tools = (&services.secrets, &services.tokens, &*upstream);
            all.extend(credentials::spellings(auth, context, tools).await);
        }
        all
    }
}

fn milliseconds(took: Duration) -> f64 {
    (took.as_secs_f64() * 100_000.0).round() / 100.0
}

fn shown_answer(answer: &Answer, redacted: &impl Fn(&str) -> String) -> ShownAnswer {
    let header = |(name, value): (&HeaderName, &http::HeaderValue)| {
        let text = String::from_utf8_lossy(value.as_bytes());
        let value = match name {
            &header::SET_COOKIE => hidden_cookie(&text),
            name if SECRET.contains(name) || telling::is_credential(name.as_str()) => {
                telling::HIDDEN.to_owned()
            }
            _ => bounded(&redacted(&text), MOST_TEXT),
        };
        ShownHeader {
            name: title_case(name.as_str()),
            value,
        }
    };
    ShownAnswer {
        status: answer.status.as_u16(),
        headers: answer.headers.iter().map(header).collect(),
        body: ShownBody::of(&answer.body, redacted),
    }
}

/// `sid=***; Path=/; HttpOnly`.
fn hidden_cookie(text: &str) -> String {
    let (pair, attributes) = text.split_once(';').unwrap_or((text, ""));
    let name = pair.split('=').next().unwrap_or_default();
    let between = if attributes.is_empty() { "" } else { ";" };
    format!("{name}={}{between}{attributes}", telling::HIDDEN)
}

pub(super) fn shown_result(result: &CallResult, redacted: &impl Fn(&str) -> String) -> ShownResult {
    let text = |json: &[u8]| String::from_utf8_lossy(json).into_owned();
    let content = text(&result.content);
    let structured = result.structured.as_ref().map(|json| text(json));
    let cost = |json: &str| Cost {
        bytes: json.len(),
        tokens: tokens::estimate(json),
    };
    ShownResult {
        content_cost: cost(&content),
        structured_cost: structured.as_deref().map(cost),
        content: shown_json(redacted(&content)),
        structured: structured.map(|json| shown_json(redacted(&json))),
        is_error: result.is_error,
        outcome: result.outcome.as_str().to_owned(),
        mismatch: result.mismatch.clone(),
    }
}

/// The text as it is while it is short, which keeps numbers as they are written.
fn shown_json(json: String) -> Box<RawValue> {
    let as_text = |text: &str| {
        serde_json::value::to_raw_value(&bounded(text, MOST_TEXT))
            .unwrap_or_else(|_| RawValue::NULL.to_owned())
    };
    if json.len() <= MOST_TEXT {
        let fallback = as_text(&json);
        return RawValue::from_string(json).unwrap_or(fallback);
    }
    let Ok(mut value) = serde_json::from_str::<Value>(&json) else {
        return as_text(&json);
    };
    cut(&mut value);
    let shorter = value.to_string();
    if shorter.len() > MOST_JSON {
        return as_text(&json);
    }
    let fallback = as_text(&json);
    RawValue::from_string(shorter).unwrap_or(fallback)
}

fn cut(value: &mut Value) {
    match value {
        Value::String(text) if text.len() > MOST_TEXT => {
            *text = format!("{} ({} bytes)", bounded(text, MOST_TEXT), text.len());
        }
        Value::Array(items) => items.iter_mut().for_each(cut),
        Value::Object(members) => members.values_mut().for_each(cut),
        _ => {}
    }
}
