//! Examples of calls (`examples`), which are run as contract tests.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::value::RawValue;

/// A call, what it should come to, and an answer of the upstream to try it with.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub struct Example {
    /// What the example shows, for people.
    pub description: Option<String>,
    /// The arguments as a client sends them, a JSON object; without them the call has none.
    pub arguments: Option<Box<RawValue>>,
    /// What has to come back; without it the call has to succeed.
    pub expect: Option<Expectation>,
    /// What is taken for the upstream's answer.
    pub mock: Option<Mock>,
}

/// What a call should come to.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Expectation {
    /// The status of the upstream's answer.
    #[schemars(range(min = 200, max = 599))]
    pub status: Option<u16>,
    /// Whether the result is an error; without it one is expected only where `status` is 400 or more.
    pub is_error: Option<bool>,
    /// A jq program over the result that gives `true`.
    pub jq: Option<String>,
}

/// An answer.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Mock {
    /// The status, 200 where nothing is said.
    #[schemars(range(min = 200, max = 599))]
    pub status: Option<u16>,
    /// The body: a text as it is, everything else as JSON.
    pub body: Option<Box<RawValue>>,
    /// `Content-Type` is made for the body where it does not stand here.
    #[serde(default)]
    pub headers: IndexMap<String, String>,
}
