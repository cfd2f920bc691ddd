//! Calls whose answer the definition holds. Their arguments are checked like all others; nothing is sent.

use super::{
    CallContext, CallResult, Engine, Here,
    arguments::{arguments_text, completed, owner, validate},
    failure::Failure,
    owned_context::OwnedContext,
    result::Outcome,
    work::Work,
};
use crate::{
    json::members::Members,
    tool::{CompiledTool, Effort, Overridden, Signature, StaticAnswer},
};
use std::sync::Arc;
use tokio::time::Instant;

impl Engine {
    /// The answer, if the arguments fit.
    pub(super) async fn call_static(
        &self,
        tool: &CompiledTool,
        answer: &Arc<StaticAnswer>,
        context: CallContext<'_>,
    ) -> CallResult {
        if self.is_quick(tool, context.arguments) {
            return answer_here(tool, answer, &context);
        }
        match Box::pin(self.checked_elsewhere(tool, &context)).await {
            Ok(()) => result(answer),
            Err(failure) => failure.into_result(None),
        }
    }

    /// The answer, or why there is none.
    pub(crate) fn answer_or_why(
        &self,
        tool: &CompiledTool,
        answer: &StaticAnswer,
        context: &CallContext<'_>,
    ) -> Result<CallResult, Failure> {
        self.within_bounds(context.arguments)?;
        check_here(tool, context)?;
        Ok(result(answer))
    }

    /// Arguments that other calls of the worker would wait for.
    async fn checked_elsewhere(&self, tool: &CompiledTool, context: &CallContext<'_>) -> Result<(), Failure> {
        let deadline = Instant::now() + self.settings.default_timeout;
        let (signature, overridden) = (tool.signature.clone(), tool.overridden.clone());
        let context = OwnedContext::of(context);
        let checked = self
            .services
            .lane
            .run(owner(&tool.signature), deadline, move |station| {
                check(&signature, overridden.as_deref(), &context.borrow(), station)
            });
        checked.await?
    }
}

fn check_here(tool: &CompiledTool, context: &CallContext<'_>) -> Result<(), Failure> {
    let here = Here(Effort::Full);
    check(&tool.signature, tool.overridden.as_deref(), context, &here)
}

fn check(
    signature: &Signature,
    overridden: Option<&Overridden>,
    context: &CallContext<'_>,
    work: &dyn Work,
) -> Result<(), Failure> {
    let completed = completed(signature, overridden, context, work)?;
    let context = CallContext {
        arguments: completed.as_deref().or(context.arguments),
        ..*context
    };
    let json = arguments_text(&context);
    match &signature.validator {
        Some(validator) => validate(validator, json.into(), work),
        None => Members::read(json)
            .map(drop)
            .map_err(|reason| Failure::argument("(root)", &reason)),
    }
}

/// The same while the thread is held, of arguments within the bounds.
pub(super) fn answer_here(
    tool: &CompiledTool,
    answer: &StaticAnswer,
    context: &CallContext<'_>,
) -> CallResult {
    match check_here(tool, context) {
        Ok(()) => result(answer),
        Err(failure) => failure.into_result(None),
    }
}

fn result(answer: &StaticAnswer) -> CallResult {
    CallResult {
        content: answer.content.to_vec(),
        structured: answer.structured.clone(),
        is_error: false,
        outcome: Outcome::Ok,
        upstream_status: None,
        mismatch: None,
        asked: None,
    }
}
