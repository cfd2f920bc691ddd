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
mod limits;
mod outline;
mod placement;
mod seen;
mod sent;
pub(super) mod telling;
mod text;
mod trace;

use crate::{
    engine::{ArgumentProblem, CallContext, Engine, Here, complete, completed, http::deliver},
    tool::{CompiledTool, Effort, PathPart},
};
pub use asked::{AskError, Explained, explain};
pub use body::{ShownBody, ShownPart};
use bytes::Bytes;
pub use curl::{Curl, Variable};
pub use egress::{EgressVerdict, OwnLists};
use http::Request;
use http_body_util::Full;
pub use limits::{Limit, LimitsInEffect, RetryInEffect, SetBy};
use outline::Outline;
pub use placement::{Part, Placement, Source};
pub use sent::{Cost, Sent, ShownAnswer, ShownResult, Timings};
use serde::{Deserialize, Serialize};

/// One call, explained.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Explanation {
    /// The instance that the call comes through; absent for none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance: Option<String>,
    /// The HTTP method.
    pub method: String,
    /// The URL with its placeholders, as the definition has it.
    pub endpoint: String,
    /// Whether a call with these arguments is sent.
    pub valid: bool,
    /// Everything that is wrong with the arguments.
    pub problems: Vec<ArgumentProblem>,
    /// The request, also where a call would not send it because the arguments do not fit the schema; absent where it
    /// cannot be made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<ShownRequest>,
    /// The same for a shell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub curl: Option<Curl>,
    /// Which rule placed what.
    pub placements: Vec<Placement>,
    /// Bounds of the call.
    pub limits: LimitsInEffect,
    /// Whether the upstream may be called.
    pub egress: EgressVerdict,
    /// What came of it, where it was sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sent: Option<Sent>,
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
    pub async fn explain(&self, tool: &CompiledTool, context: CallContext<'_>, send: bool) -> Explanation {
        let call = &tool.call;
        let (completed, mut unfit) =
            match completed(tool.overridden.as_deref(), &context, &Here(Effort::Full)) {
                Ok(completed) => (completed, Vec::new()),
                Err(failure) => (None, failure.problems()),
            };
        let overridden = tool.overridden.as_ref().filter(|_| unfit.is_empty());
        let added = overridden.map(|overridden| complete::added(overridden, context.arguments));
        let context = CallContext {
            arguments: completed.as_deref().or(context.arguments),
            ..context
        };
        let seen::Seen {
            mut problems,
            mut placements,
            mut request,
        } = seen::see(call, &context, self.max_request_bytes(call));
        // What the instance refuses comes first; what it would have added may be all that is missing then.
        if !unfit.is_empty() {
            problems.clear();
            problems.append(&mut unfit);
        }
        if let Some(request) = &mut request {
            self.name_gateway(request, &context);
            // A call makes it when it is sent. Made here, what is shown is what is sent.
            if let Err(failure) = deliver::add_idempotency_key(call, request) {
                problems.extend(failure.problems());
            }
        }
        given::tell(
            &mut placements,
            &added.unwrap_or_default(),
            call,
            context.instance,
        );
        placements.extend(credential::placement(call));
        let valid = problems.is_empty() && request.is_some();
        let outline = request.as_ref().map(|request| Outline::of(call, request));
        let sent = match request {
            Some(request) if send && valid => Some(self.send_and_show(tool, context, request).await),
            _ => None,
        };
        let instance = context.instance.id();
        Explanation {
            instance: (!instance.is_empty()).then(|| instance.to_owned()),
            method: call.method.to_string(),
            endpoint: endpoint(tool),
            valid,
            problems,
            request: outline.as_ref().map(Outline::shown),
            curl: outline.as_ref().map(curl::line),
            placements,
            limits: limits::of(call, &self.settings, self.max_request_bytes(call)),
            egress: egress::verdict(call, &self.settings.egress).await,
            sent,
        }
    }
}

/// The URL before it is filled.
fn endpoint(tool: &CompiledTool) -> String {
    let call = &tool.call;
    let mut out = format!("{}://{}", call.origin.scheme, call.origin.authority);
    for part in &call.path.parts {
        match part {
            PathPart::Literal(text) => out.push_str(text),
            PathPart::Placeholder(name) => out.extend(["{", name, "}"]),
            PathPart::Declared(number) => out.extend(["{", &call.params.path[*number].wire, "}"]),
        }
    }
    out
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
