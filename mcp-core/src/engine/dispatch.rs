//! A call goes to the wing of its tool's target.

use super::{CallContext, CallResult, Engine, static_answer::answer_here};
use crate::{
    peer::Peer,
    tool::{Callable, CompiledTool, InstanceNames, Target},
};
use ::http::{Request, Response};
use bytes::Bytes;
use http_body_util::Full;
use mcp_common::authenticator::Principal;
use std::sync::Arc;

impl Engine {
    /// Calls the tool. Whatever goes wrong is part of the result; dropping the future gives the upstream call up.
    pub async fn call<'a>(&self, tool: impl Into<Callable<'a>>, context: CallContext<'_>) -> CallResult {
        self.call_for(None, tool.into(), context).await
    }

    /// The same for a client, whose memory the request and the answer take.
    pub async fn call_for(
        &self,
        peer: Option<&Arc<Peer>>,
        callable: Callable<'_>,
        context: CallContext<'_>,
    ) -> CallResult {
        if let Err(failure) = self.within_bounds(context.arguments) {
            return failure.into_result(None);
        }
        match &callable.tool.target {
            Target::Http(call) => self.call_http(peer, callable, call, context).await,
            Target::Static(answer) => self.call_static(callable.tool, answer, context).await,
        }
    }

    /// The request that a call would make, without sending it; or the result of a call that sends none: what keeps it from
    /// being sent, or the answer that the definition holds.
    pub fn plan(
        &self,
        tool: &CompiledTool,
        context: CallContext<'_>,
    ) -> Result<Request<Full<Bytes>>, CallResult> {
        self.within_bounds(context.arguments)
            .map_err(|failure| failure.into_result(None))?;
        match &tool.target {
            Target::Http(call) => self.plan_http(tool, call, context),
            Target::Static(answer) => Err(answer_here(tool, answer, &context)),
        }
    }

    /// What the tool makes of an upstream's answer, without asking anybody. A tool that asks nobody answers what it always
    /// does.
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
        match &tool.target {
            Target::Http(call) => self.shape_http(call, &context, answer.into()),
            Target::Static(own) => answer_here(tool, own, &context),
        }
    }

    /// The same without holding the thread: for answers in a call.
    pub(crate) async fn answered(
        &self,
        tool: &CompiledTool,
        context: CallContext<'_>,
        answer: Response<Bytes>,
    ) -> CallResult {
        match &tool.target {
            Target::Http(call) => self.answered_http(call, &context, answer.into()).await,
            Target::Static(own) => self.call_static(tool, own, context).await,
        }
    }
}
