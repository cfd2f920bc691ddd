//! Turns one tool call into one HTTP request and its answer into a tool result: plan → send → shape.

mod caller;
mod complete;
mod credentials;
mod deliver;
pub(crate) mod encode;
mod evaluations;
mod exact_value;
pub mod explain;
mod failure;
mod instance_names;
mod json_reader;
mod members;
mod plan;
mod result;
mod settings;
mod shape;
pub(crate) mod strict_value;
mod transport;
mod upstream;

pub use credentials::{SECRET_DIRECTORY, SECRET_VARIABLES, SecretSettings, Secrets, Tokens, holds_identity};
pub use evaluations::Evaluations;
pub use instance_names::InstanceNames;
pub(crate) use instance_names::var;
pub use result::{CallResult, Outcome};
pub(crate) use settings::ClosedBy;
pub use settings::{
    EgressRule, EgressSettings, EngineSettings, NoEgressRule, NoProxyAddress, ProxyAddress, TrustRoots,
};
pub(crate) use transport::{material, shortcomings};

use crate::tool::{Call, CompiledTool, Delivery, Effort};
use bytes::Bytes;
use deliver::{Progress, Sender};
use failure::Failure;
use http::{HeaderMap, Request, Response};
use http_body_util::Full;
use mcp_common::authenticator::Principal;
use serde_json::value::RawValue;
use shape::{Jq, Long};
use std::{borrow::Cow, sync::Arc};
use tokio::time::Instant;
use transport::Pools;
use upstream::{Answer, Upstream};

/// Who calls what with which arguments.
#[derive(Clone, Copy, Debug)]
pub struct CallContext<'a> {
    /// The instance that the call came through.
    pub instance: &'a InstanceNames,
    /// Who calls.
    pub principal: &'a Principal,
    /// `params.arguments` as the client sent them.
    pub arguments: Option<&'a RawValue>,
    /// Of the client's request. Only those go on that a definition names (`auth.type: passthrough`, and templates that name
    /// one which the operator allows).
    pub headers: Option<&'a HeaderMap>,
}

/// Sends calls upstream. Has connection pools of its own; clones share them.
#[derive(Clone, Debug)]
pub struct Engine {
    settings: EngineSettings,
    upstream: Upstream,
    /// For tools that ask for other connections than those of `upstream`.
    pools: Pools,
}

impl Engine {
    /// With an empty pool; connects when called.
    pub fn new(settings: EngineSettings) -> Self {
        Self {
            upstream: Upstream::new(&settings),
            pools: Pools::new(&settings),
            settings,
        }
    }

    /// Calls the tool. Whatever goes wrong is part of the result; dropping the future gives the upstream call up.
    pub async fn call(&self, tool: &CompiledTool, context: CallContext<'_>) -> CallResult {
        let call = &tool.call;
        let completed = match completed(tool, &context) {
            Ok(completed) => completed,
            Err(failure) => return failure.into_result(None),
        };
        let context = CallContext {
            arguments: completed.as_deref().or(context.arguments),
            ..context
        };
        let request = match self.request(tool, context) {
            Ok(request) => request,
            Err(refusal) => return refusal,
        };
        match self.deliver(call, request, &context).await {
            Ok(answer) => self.shaped(call, &answer, &context).await,
            Err(failure) => failure,
        }
    }

    /// Sends it and waits for the answer, or for the result that says why there is none.
    async fn deliver(
        &self,
        call: &Call,
        request: Request<Full<Bytes>>,
        context: &CallContext<'_>,
    ) -> Result<Answer, CallResult> {
        let max_response_bytes = call
            .max_response_bytes
            .unwrap_or(self.settings.max_response_bytes);
        let timeout = call.timeout.unwrap_or(self.settings.default_timeout);
        let mut progress = Progress::default();
        let exchanged = match &call.delivery {
            None => {
                let status = &mut progress.status;
                let exchange = self.upstream.exchange(request, max_response_bytes, status);
                tokio::time::timeout(timeout, exchange).await
            }
            Some(delivery) => {
                let sender = Sender {
                    engine: self,
                    delivery,
                    context,
                    max_response_bytes,
                    deadline: Instant::now() + timeout,
                };
                // Boxed, so that calls that need none of it have no room for it.
                let sending = Box::pin(sender.send(request, &mut progress));
                tokio::time::timeout(timeout, sending).await
            }
        };
        match exchanged {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(failure)) => Err(failure.into_result(progress.status)),
            Err(_) => Err(progress.timed_out(call, timeout).into_result(progress.status)),
        }
    }

    /// Those over which a tool of this delivery is called.
    fn connections(&self, delivery: &Delivery) -> Result<Cow<'_, Upstream>, Failure> {
        match &delivery.transport {
            None => Ok(Cow::Borrowed(&self.upstream)),
            Some(transport) => self.pools.get(transport).map(Cow::Owned),
        }
    }

    /// The request that a call would make, without sending it; or the result that says why there is none.
    pub fn plan(
        &self,
        tool: &CompiledTool,
        context: CallContext<'_>,
    ) -> Result<Request<Full<Bytes>>, CallResult> {
        let completed = completed(tool, &context).map_err(|failure| failure.into_result(None))?;
        let arguments = completed.as_deref().or(context.arguments);
        self.request(tool, CallContext { arguments, ..context })
    }

    /// The arguments are the tool's own.
    fn request(
        &self,
        tool: &CompiledTool,
        context: CallContext<'_>,
    ) -> Result<Request<Full<Bytes>>, CallResult> {
        let max_request_bytes = self.max_request_bytes(&tool.call);
        plan::plan(&tool.call, &context, max_request_bytes).map_err(|failure| failure.into_result(None))
    }

    fn max_request_bytes(&self, call: &Call) -> u64 {
        call.max_request_bytes.unwrap_or_else(|| {
            self.settings
                .max_request_bytes
                .saturating_add(call.extra_request_bytes)
        })
    }

    /// What the tool makes of an answer, without asking anybody.
    pub fn shape(&self, tool: &CompiledTool, answer: Response<Bytes>) -> CallResult {
        let context = CallContext {
            instance: &InstanceNames::id_only(""),
            principal: &Principal::anonymous(),
            arguments: None,
            headers: None,
        };
        self.shape_for(tool, context, answer)
    }

    /// The same in a call, whose arguments the tool's templates may name.
    pub fn shape_for(
        &self,
        tool: &CompiledTool,
        context: CallContext<'_>,
        answer: Response<Bytes>,
    ) -> CallResult {
        let answer = answer.into();
        shape::packed(&answer).unwrap_or_else(|| {
            let here = Jq::Here(Effort::Full);
            self.shape_with(&tool.call, &answer, &context, here)
                .unwrap_or_else(|Long| unshaped(&answer))
        })
    }

    /// The same without holding the thread: for answers in a call.
    pub(crate) async fn answered(
        &self,
        tool: &CompiledTool,
        context: CallContext<'_>,
        answer: Response<Bytes>,
    ) -> CallResult {
        let answer = answer.into();
        match shape::packed(&answer) {
            Some(packed) => packed,
            None => self.shaped(&tool.call, &answer, &context).await,
        }
    }

    /// A program that takes a moment runs here. Others begin again elsewhere, since most take less than handing over costs.
    async fn shaped(&self, call: &Arc<Call>, answer: &Answer, context: &CallContext<'_>) -> CallResult {
        let here = Jq::Here(Effort::Short);
        match self.shape_with(call, answer, context, here) {
            Ok(result) => result,
            Err(Long) => Box::pin(self.shaped_elsewhere(call, answer, context)).await,
        }
    }

    async fn shaped_elsewhere(
        &self,
        call: &Arc<Call>,
        answer: &Answer,
        context: &CallContext<'_>,
    ) -> CallResult {
        let Ok(json) = shape::jq_input(answer) else {
            return unshaped(answer);
        };
        let evaluations = &self.settings.evaluations;
        let ran = evaluations.run(call, json.into_owned(), shape::MAX_JQ_BYTES);
        match ran.await {
            Ok(ran) => self
                .shape_with(call, answer, context, Jq::Ran(&ran))
                .unwrap_or_else(|Long| unshaped(answer)),
            Err(failure) => failure.into_result(Some(answer.status.as_u16())),
        }
    }

    fn shape_with(
        &self,
        call: &Call,
        answer: &Answer,
        context: &CallContext<'_>,
        jq: Jq<'_>,
    ) -> Result<CallResult, Long> {
        shape::shape(call, answer, context, self.settings.on_mismatch, jq)
    }
}

/// Where nothing better can be said: a program that may take all that there is ends in words of its own.
fn unshaped(answer: &Answer) -> CallResult {
    let failure = Failure::new(Outcome::BadAnswer, "The answer cannot be shaped.");
    failure.into_result(Some(answer.status.as_u16()))
}

/// The arguments with what the instance gives; `None` where it says nothing about them.
fn completed(tool: &CompiledTool, context: &CallContext<'_>) -> Result<Option<Box<RawValue>>, Failure> {
    let overridden = tool.overridden.as_ref();
    overridden
        .map(|overridden| complete::complete(overridden, context.arguments))
        .transpose()
}
