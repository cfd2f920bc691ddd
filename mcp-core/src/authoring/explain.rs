//! What a call would send and why, and what came back: for people who write definitions. Never on the way of a call.
//!
//! Secrets are not redacted here, they are not there: a plan has none, and the credential's place is described from the
//! definition. Only an answer can repeat one, and is searched for it.

mod asked;
mod body;
mod connection;
mod credential;
mod curl;
mod egress;
mod given;
mod http_call;
mod limits;
mod outline;
mod placement;
mod remote;
mod seen;
mod sent;
mod static_answer;
pub(super) mod telling;
mod text;
mod trace;

use crate::{
    engine::{ArgumentProblem, CallContext, Engine},
    tool::{Base, Callable, Target},
};
pub use asked::{AskError, Explained, explain};
pub use body::{ShownBody, ShownPart};
use bytes::Bytes;
pub use curl::{Curl, Variable};
pub use egress::{EgressVerdict, OwnLists};
use http::Request;
use http_body_util::Full;
pub use limits::{Limit, LimitsInEffect, RetryInEffect, SetBy};
pub use placement::{Part, Placement, Source};
pub use remote::{ExplainedOutput, RemoteExplanation, RemoteRequest, explain_remote};
pub use sent::{Cost, Sent, ShownAnswer, ShownResult, Timings};
use serde::{Deserialize, Serialize};

/// One call, explained.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Explanation {
    /// The instance that the call comes through; absent for none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance: Option<String>,
    /// What calls of the tool lead to.
    #[serde(default)]
    pub target: ExplainedTarget,
    /// The HTTP method; absent where nothing is sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// The upstream that the tool is called at, where it names one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upstream: Option<ExplainedUpstream>,
    /// The URL with its placeholders, as the definition has it; of an upstream, that of its first endpoint; absent where nothing is sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// Whether a call with these arguments is made.
    pub valid: bool,
    /// Everything that is wrong with the arguments.
    pub problems: Vec<ArgumentProblem>,
    /// The request, also where a call would not send it because the arguments do not fit the schema; absent where it
    /// cannot be made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<ShownRequest>,
    /// The request as a line for a shell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub curl: Option<Curl>,
    /// Which rule placed what.
    pub placements: Vec<Placement>,
    /// Bounds of the call; absent where nothing is sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limits: Option<LimitsInEffect>,
    /// Whether the upstream may be called; absent where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub egress: Option<EgressVerdict>,
    /// What such a call is answered, where the definition holds the answer and nothing is sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<ShownResult>,
    /// What came of it, where it was sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sent: Option<Sent>,
}

/// The service that a tool names instead of a host.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ExplainedUpstream {
    /// Its id.
    pub id: String,
    /// The addresses of its endpoints that are switched on; empty where there is no such upstream.
    pub endpoints: Vec<String>,
}

impl ExplainedUpstream {
    fn of(id: &str, base: Option<&Base>) -> Self {
        let endpoints = base.map_or(&[][..], |base| base.fleet.endpoints());
        Self {
            id: id.to_owned(),
            endpoints: endpoints
                .iter()
                .map(|endpoint| endpoint.url.to_string())
                .collect(),
        }
    }
}

/// What calls of a tool lead to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ExplainedTarget {
    /// An HTTP request.
    #[default]
    Http,
    /// The answer that the definition holds.
    Static,
}

/// The request as it leaves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShownRequest {
    /// The HTTP method.
    pub method: String,
    /// The URL, with `***` for a credential.
    pub url: String,
    /// The headers in the order in which they leave, with `***` for a credential.
    pub headers: Vec<ShownHeader>,
    /// The body; absent where none is sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<ShownBody>,
}

/// One header line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShownHeader {
    /// The name in the case that people write; the wire has lower case.
    pub name: String,
    /// The value as sent, or `***`.
    pub value: String,
}

impl Engine {
    /// Explains a call; with `send` it is made too, if the arguments fit.
    pub async fn explain<'a>(
        &self,
        tool: impl Into<Callable<'a>>,
        context: CallContext<'_>,
        send: bool,
    ) -> Explanation {
        let callable = tool.into();
        match &callable.tool.target {
            Target::Http(call) => self.explain_http(callable, call, context, send).await,
            Target::Static(answer) => self.explain_static(callable.tool, answer, &context),
        }
    }
}

/// The whole body of a planned request.
fn bytes_of(request: &Request<Full<Bytes>>) -> Bytes {
    use futures_util::FutureExt;
    use http_body_util::BodyExt;
    let collected = request.body().clone().collect().now_or_never();
    // A `Full` is there at once and cannot fail.
    collected
        .and_then(Result::ok)
        .map(http_body_util::Collected::to_bytes)
        .unwrap_or_default()
}

/// A header's name as people write it.
pub(super) fn title_case(name: &str) -> String {
    let words = name.split('-').map(|word| {
        let (first, rest) = word.split_at(word.len().min(1));
        first.to_ascii_uppercase() + rest
    });
    words.collect::<Vec<_>>().join("-")
}
