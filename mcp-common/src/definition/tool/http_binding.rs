//! How a tool maps onto an HTTP call (`tds_ext_info`).

use super::{byte_size::ByteSize, required_params::RequiredParams};
use crate::problem::Problem;
use indexmap::IndexMap;
use serde::Deserialize;
use serde_json::{Value, value::RawValue};

/// The longest call that a definition can ask for.
const MAX_TIMEOUT_MS: u64 = 3_600_000;

/// The HTTP call behind a tool, as its document has it.
#[derive(Clone, Debug, Deserialize)]
pub struct HttpBinding {
    /// Host, `host:port`, or an origin with scheme.
    pub domain: Option<String>,
    /// Origin and path prefix, instead of `domain`.
    pub base_url: Option<String>,
    /// Any HTTP method, in any letter case.
    pub method: String,
    /// Path with `{name}` or `:name` placeholders.
    pub path: String,
    /// Which arguments must be there, beside what the schema says.
    #[serde(default)]
    pub required_params: RequiredParams,
    /// Sent with every call; values may be templates.
    #[serde(default)]
    pub headers: IndexMap<String, Value>,
    /// Added to the query of every call; values may be templates.
    #[serde(default)]
    pub query: IndexMap<String, Value>,
    /// Whole-call bound in milliseconds.
    pub timeout_ms: Option<u64>,
    /// Size bounds.
    #[serde(default)]
    pub limits: Limits,
    /// Carried along for its author.
    #[serde(default, rename = "ext_info")]
    _ext_info: Option<Box<RawValue>>,

    // Reserved by the document format. Ignoring them would send something else than their author meant.
    params: Option<Box<RawValue>>,
    body: Option<Box<RawValue>>,
    auth: Option<Value>,
    connect_timeout_ms: Option<Box<RawValue>>,
    retry: Option<Box<RawValue>>,
    redirect: Option<Box<RawValue>>,
    response: Option<Box<RawValue>>,
    cache: Option<Box<RawValue>>,
    pagination: Option<Box<RawValue>>,
}

/// Size bounds of one tool.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Limits {
    /// Of the request body.
    pub max_request_bytes: Option<ByteSize>,
    /// Of the answer's body.
    pub max_response_bytes: Option<ByteSize>,
    concurrency: Option<Box<RawValue>>,
}

impl HttpBinding {
    /// Reports what is wrong independently of the schema.
    pub(super) fn check(&self, problems: &mut Vec<Problem>) {
        match (&self.domain, &self.base_url) {
            (None, None) => {
                problems.push(Problem::at(
                    "tds_ext_info.domain",
                    "is missing: name the host, or give `base_url`",
                ));
            }
            (Some(_), Some(_)) => {
                problems.push(Problem::at(
                    "tds_ext_info.base_url",
                    "stands beside `domain`; keep one of them",
                ));
            }
            _ => {}
        }
        if self.timeout_ms.is_some_and(|ms| ms == 0 || ms > MAX_TIMEOUT_MS) {
            let reason = format!("must be from 1 to {MAX_TIMEOUT_MS} milliseconds");
            problems.push(Problem::at("tds_ext_info.timeout_ms", reason));
        }
        problems.extend(
            self.reserved()
                .map(|name| Problem::at(format!("tds_ext_info.{name}"), "not supported yet")),
        );
    }

    /// Members that are there and would have to do something that is not built yet.
    fn reserved(&self) -> impl Iterator<Item = &'static str> {
        let no_auth = serde_json::json!({"type": "none"});
        [
            ("params", self.params.is_some()),
            ("body", self.body.is_some()),
            ("auth", self.auth.as_ref().is_some_and(|auth| *auth != no_auth)),
            ("connect_timeout_ms", self.connect_timeout_ms.is_some()),
            ("retry", self.retry.is_some()),
            ("redirect", self.redirect.is_some()),
            ("response", self.response.is_some()),
            ("cache", self.cache.is_some()),
            ("pagination", self.pagination.is_some()),
            ("limits.concurrency", self.limits.concurrency.is_some()),
        ]
        .into_iter()
        .filter_map(|(name, there)| there.then_some(name))
    }
}
