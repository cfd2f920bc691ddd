//! How a request is delivered: again after a failure (`retry`), and where a redirect leads (`redirect`).

use crate::problem::Problem;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use std::borrow::Cow;

/// When a request is sent again, always within `timeout_ms`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RetryBinding {
    /// How often after the first time.
    #[schemars(range(max = 10))]
    pub max: u32,
    /// What is tried again: `connect` (no connection, or it broke before the answer), and statuses.
    #[serde(default = "after_what")]
    #[schemars(extend("default" = ["connect", 429, 502, 503, 504]))]
    pub on: Vec<RetryOn>,
    /// The pause before each further attempt.
    #[serde(default)]
    pub backoff: Backoff,
    /// Whether the upstream's `Retry-After` is the least pause.
    #[serde(default = "yes")]
    pub respect_retry_after: bool,
    /// A header with a value of its own for each call, the same for each attempt. POST and PATCH are sent again only with it.
    #[schemars(example = &"Idempotency-Key")]
    pub idempotency_key: Option<String>,
}

/// One element of `retry.on`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetryOn {
    /// No connection, or it broke before the answer.
    Connect,
    /// An answer of this status.
    Status(u16),
}

/// `retry.backoff`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Backoff {
    /// The first pause in milliseconds; each further one is twice as long.
    #[schemars(range(max = 60_000))]
    pub base_ms: u64,
    /// The longest pause in milliseconds.
    #[schemars(range(max = 60_000))]
    pub max_ms: u64,
}

/// Where a redirect leads.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RedirectBinding {
    /// How many redirects of one call are followed.
    #[serde(default)]
    #[schemars(range(max = 10))]
    pub follow: u32,
    /// Whether they must stay at the same scheme, host and port.
    #[serde(default = "yes")]
    pub same_origin_only: bool,
}

impl Default for Backoff {
    fn default() -> Self {
        Self {
            base_ms: 100,
            max_ms: 5_000,
        }
    }
}

fn yes() -> bool {
    true
}

fn after_what() -> Vec<RetryOn> {
    [429, 502, 503, 504]
        .map(RetryOn::Status)
        .into_iter()
        .chain([RetryOn::Connect])
        .collect()
}

impl<'de> Deserialize<'de> for RetryOn {
    fn deserialize<D: serde::Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Written {
            Status(u16),
            Word(String),
        }
        let expected = "expected \"connect\" or a status from 400 to 599";
        match Written::deserialize(input).map_err(|_| serde::de::Error::custom(expected))? {
            Written::Status(status @ 400..600) => Ok(Self::Status(status)),
            Written::Word(word) if word == "connect" => Ok(Self::Connect),
            _ => Err(serde::de::Error::custom(expected)),
        }
    }
}

impl JsonSchema for RetryOn {
    fn schema_name() -> Cow<'static, str> {
        "RetryOn".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let otherwise = "Must be `connect` or a status from 400 to 599";
        json_schema!({
            "anyOf": [
                {"type": "string", "const": "connect", "description": "No connection, or it broke before the answer.", "errorMessage": otherwise},
                {"type": "integer", "minimum": 400, "maximum": 599, "description": "An answer of this status.", "errorMessage": otherwise},
            ],
        })
    }
}

impl RetryBinding {
    pub(super) fn check(&self, problems: &mut Vec<Problem>) {
        if self.max > 10 {
            problems.push(Problem::at("tds_ext_info.retry.max", "must be from 0 to 10"));
        }
        if self.backoff.base_ms > self.backoff.max_ms || self.backoff.max_ms > 60_000 {
            let reason = "`base_ms` must be at most `max_ms`, and that at most 60000";
            problems.push(Problem::at("tds_ext_info.retry.backoff", reason));
        }
    }
}

impl RedirectBinding {
    pub(super) fn check(&self, problems: &mut Vec<Problem>) {
        if self.follow > 10 {
            problems.push(Problem::at(
                "tds_ext_info.redirect.follow",
                "must be from 0 to 10",
            ));
        }
    }
}
