//! Which bounds a call has, and who set them.

use crate::{
    engine::EngineSettings,
    tool::{Base, Call},
};
use serde::{Deserialize, Serialize};

/// Bounds of a call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LimitsInEffect {
    /// The time for the whole call, further attempts included.
    pub timeout_ms: Limit,
    /// The time for name resolution, connecting and the TLS handshake together.
    pub connect_timeout_ms: Limit,
    /// The size that the body may have.
    pub max_request_bytes: Limit,
    /// The size that the answer's body may have.
    pub max_response_bytes: Limit,
    /// The size that text, and structured content, of the result may have.
    pub max_result_bytes: Limit,
    /// Calls under way at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub concurrency: Option<usize>,
    /// When a request is sent again; absent for never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry: Option<RetryInEffect>,
    /// How many redirects are followed.
    pub redirects: u64,
}

/// One bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limit {
    /// The value, in the unit of its name.
    pub value: u64,
    /// Who says so.
    pub set_by: SetBy,
}

/// Who set a bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SetBy {
    /// The tool's own.
    Definition,
    /// The setting for all tools (`upstream.*` of the configuration).
    Gateway,
}

/// Further attempts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RetryInEffect {
    /// The most that follow the first.
    pub max: u32,
    /// `connect`, and statuses.
    pub on: Vec<String>,
    /// The header with a value of its own for each call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idempotency_key: Option<String>,
}

pub(super) fn of(
    call: &Call,
    base: Option<&Base>,
    settings: &EngineSettings,
    max_request_bytes: u64,
) -> LimitsInEffect {
    let limit = |own: Option<u64>, common: u64| Limit {
        value: own.unwrap_or(common),
        set_by: if own.is_some() {
            SetBy::Definition
        } else {
            SetBy::Gateway
        },
    };
    let ms = |duration: std::time::Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    let (delivery, response) = (call.delivery.as_ref(), call.response.as_ref());
    let retry = delivery.and_then(|delivery| delivery.retry.as_ref());
    let redirect = delivery.and_then(|delivery| delivery.redirect.as_ref());
    let transport = delivery.and_then(|delivery| delivery.transport(base));
    let connect_timeout = transport.and_then(|transport| transport.connect_timeout);
    LimitsInEffect {
        timeout_ms: limit(call.timeout.map(ms), ms(settings.default_timeout)),
        connect_timeout_ms: limit(connect_timeout.map(ms), ms(settings.connect_timeout)),
        max_request_bytes: limit(call.max_request_bytes, max_request_bytes),
        max_response_bytes: limit(call.max_response_bytes, settings.max_response_bytes),
        max_result_bytes: limit(
            response
                .and_then(|response| response.max_bytes)
                .map(|most| most as u64),
            settings.max_result_bytes,
        ),
        concurrency: delivery.and_then(|delivery| delivery.concurrency),
        retry: retry.map(|retry| RetryInEffect {
            max: retry.max,
            on: retry
                .after_connect
                .then(|| "connect".to_owned())
                .into_iter()
                .chain(retry.statuses.iter().map(u16::to_string))
                .collect(),
            idempotency_key: retry
                .idempotency_key
                .as_ref()
                .map(|name| super::title_case(name.as_str())),
        }),
        redirects: redirect.map_or(0, |redirect| redirect.follow.into()),
    }
}
