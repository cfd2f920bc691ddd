//! The answer of an HTTP tool becomes a result: here if it takes a moment, elsewhere if it may take longer.

use super::{
    client::Answer,
    packed,
    shape::{Defaults, lost},
};
use crate::{
    engine::{
        CallContext, CallResult, Engine, Here, arguments::owner, failure::Failure,
        owned_context::OwnedContext, result::Outcome, work::Stop,
    },
    tool::{Call, Effort},
};
use http::StatusCode;
use mcp_common::bounds::Bounds;
use std::sync::Arc;
use tokio::time::Instant;

impl Engine {
    /// What the tool makes of an answer, without asking anybody.
    pub(in crate::engine) fn shape_http(
        &self,
        call: &Call,
        context: &CallContext<'_>,
        answer: Answer,
    ) -> CallResult {
        if let Err(failure) = within_bounds(&self.settings.bounds, call, &answer) {
            return lost(call, answer.status, &failure);
        }
        packed(call, &answer).unwrap_or_else(|| {
            let here = Here(Effort::Full);
            let shaped = super::shape(call, &answer, context, &self.shaping(), &here);
            shaped.unwrap_or_else(|stop| unshaped(call, stop, answer.status))
        })
    }

    /// The same without holding the thread: for answers in a call.
    pub(in crate::engine) async fn answered_http(
        &self,
        call: &Arc<Call>,
        context: &CallContext<'_>,
        answer: Answer,
    ) -> CallResult {
        let deadline = Instant::now() + self.timeout(call);
        match packed(call, &answer) {
            Some(packed) => packed,
            None => self.shaped(call, answer, context, deadline).await,
        }
    }

    /// What takes a moment is done here. Other answers begin again elsewhere, since most take less than handing over
    /// costs.
    pub(crate) async fn shaped(
        &self,
        call: &Arc<Call>,
        answer: Answer,
        context: &CallContext<'_>,
        deadline: Instant,
    ) -> CallResult {
        let settings = &self.settings;
        let size = answer.body.len();
        let templates = call.response.as_ref().map(|response| &response.templates.weight);
        let is_light = size <= self.services.lane.settings().answer_bytes
            && templates.is_none_or(|weight| {
                weight.is_quick(size + context.arguments.map_or(0, |it| it.get().len()))
            });
        if is_light {
            if let Err(failure) = within_bounds(&settings.bounds, call, &answer) {
                return lost(call, answer.status, &failure);
            }
            let here = Here(Effort::Short);
            match super::shape(call, &answer, context, &self.shaping(), &here) {
                Ok(result) => return result,
                Err(Stop::Long) => {}
                Err(stop) => return unshaped(call, stop, answer.status),
            }
        }
        Box::pin(self.shaped_elsewhere(call, answer, context, deadline)).await
    }

    fn shaping(&self) -> Defaults {
        Defaults {
            on_mismatch: self.settings.on_mismatch,
            max_result_bytes: usize::try_from(self.settings.max_result_bytes).unwrap_or(usize::MAX),
        }
    }

    async fn shaped_elsewhere(
        &self,
        call: &Arc<Call>,
        answer: Answer,
        context: &CallContext<'_>,
        deadline: Instant,
    ) -> CallResult {
        let status = answer.status;
        let context = OwnedContext::of(context);
        let (owner, defaults) = (owner(&call.signature), self.shaping());
        let (answered, call) = (call, call.clone());
        let bounds = self.settings.bounds.clone();
        let shaped = self.services.lane.run(owner, deadline, move |station| {
            if let Err(failure) = within_bounds(&bounds, &call, &answer) {
                return lost(&call, status, &failure);
            }
            let shaped = super::shape(&call, &answer, &context.borrow(), &defaults, station);
            shaped.unwrap_or_else(|stop| unshaped(&call, stop, status))
        });
        match shaped.await {
            Ok(result) => result,
            Err(failure) => lost(answered, status, &failure),
        }
    }
}

/// Refuses an answer of which much more would be made than it is, where it is read and not only given on.
fn within_bounds(bounds: &Bounds, call: &Call, answer: &Answer) -> Result<(), Failure> {
    let is_read = call.response.is_some() || call.signature.output.is_some();
    let first = answer.body.iter().find(|byte| !byte.is_ascii_whitespace());
    // Pages and other texts have no values.
    if !(is_read && matches!(first, Some(b'[' | b'{'))) {
        return Ok(());
    }
    bounds
        .answer()
        .check_long(&answer.body)
        .map_err(|exceeded| Failure::new(Outcome::BadAnswer, format!("The upstream's answer {exceeded}.")))
}

/// Where nothing better can be said: what may take all that there is ends in words of its own.
fn unshaped(call: &Call, stop: Stop, status: StatusCode) -> CallResult {
    let failure = match stop {
        Stop::Failed(failure) => failure,
        Stop::Long => Failure::new(Outcome::BadAnswer, "The answer cannot be shaped."),
    };
    lost(call, status, &failure)
}
