//! The answer to a call becomes a result: here if it takes a moment, elsewhere if it may take longer.

use super::{
    client::Answer,
    packed,
    shape::{Defaults, Shaping, lost},
};
use crate::{
    engine::{
        CallContext, CallResult, Engine, Here, arguments::owner, failure::Failure, lane::Owner,
        owned_context::OwnedContext, result::Outcome, work::Stop,
    },
    tool::{Call, Effort},
};
use http::StatusCode;
use mcp_common::bounds::Bounds;
use std::sync::Arc;
use tokio::time::Instant;

/// Whose answers are shaped. It goes to another thread where shaping may take long.
pub(in crate::engine) trait Shapes: Send + Sync + 'static {
    fn shaping(&self) -> Shaping<'_>;

    /// Whose turn it is where answers wait for each other.
    fn owner(this: &Arc<Self>) -> Owner;
}

impl Shapes for Call {
    fn shaping(&self) -> Shaping<'_> {
        self.into()
    }

    fn owner(this: &Arc<Self>) -> Owner {
        owner(&this.signature)
    }
}

impl Engine {
    /// What the tool makes of an answer, without asking anybody.
    pub(in crate::engine) fn shape_http(
        &self,
        call: &Call,
        context: &CallContext<'_>,
        answer: Answer,
    ) -> CallResult {
        let shaping = call.shaping();
        if let Err(failure) = within_bounds(&self.settings.bounds, shaping, &answer) {
            return lost(shaping, answer.status, &failure);
        }
        packed(call, &answer).unwrap_or_else(|| {
            let here = Here(Effort::Full);
            let shaped = super::shape(shaping, &answer, context, &self.defaults(), &here);
            shaped.unwrap_or_else(|stop| match stop {
                Stop::Long => lost(shaping, answer.status, &not_here()),
                stop => unshaped(shaping, stop, answer.status),
            })
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

    /// The same with the bounds of the tool's definition.
    pub(crate) async fn shaped(
        &self,
        call: &Arc<Call>,
        answer: Answer,
        context: &CallContext<'_>,
        deadline: Instant,
    ) -> CallResult {
        self.shaped_within(call, answer, context, (deadline, self.defaults()))
            .await
    }

    /// What takes a moment is done here. Other answers begin again elsewhere, since most take less than handing over
    /// costs.
    pub(in crate::engine) async fn shaped_within<S: Shapes>(
        &self,
        of: &Arc<S>,
        answer: Answer,
        context: &CallContext<'_>,
        (deadline, defaults): (Instant, Defaults),
    ) -> CallResult {
        let shaping = of.shaping();
        let size = answer.body.len();
        let templates = shaping.response.map(|response| &response.templates.weight);
        let is_light = size <= self.services.lane.settings().answer_bytes
            && templates.is_none_or(|weight| {
                weight.is_quick(size + context.arguments.map_or(0, |it| it.get().len()))
            });
        if is_light {
            if let Err(failure) = within_bounds(&self.settings.bounds, shaping, &answer) {
                return lost(shaping, answer.status, &failure);
            }
            let here = Here(Effort::Short);
            match super::shape(shaping, &answer, context, &defaults, &here) {
                Ok(result) => return result,
                Err(Stop::Long) => {}
                Err(stop) => return unshaped(shaping, stop, answer.status),
            }
        }
        Box::pin(self.shaped_elsewhere(of, answer, context, (deadline, defaults))).await
    }

    pub(in crate::engine) fn defaults(&self) -> Defaults {
        Defaults {
            on_mismatch: self.settings.on_mismatch,
            max_result_bytes: usize::try_from(self.settings.max_result_bytes).unwrap_or(usize::MAX),
        }
    }

    async fn shaped_elsewhere<S: Shapes>(
        &self,
        of: &Arc<S>,
        answer: Answer,
        context: &CallContext<'_>,
        (deadline, defaults): (Instant, Defaults),
    ) -> CallResult {
        let status = answer.status;
        let context = OwnedContext::of(context);
        let owner = S::owner(of);
        let (answered, of) = (of, of.clone());
        let bounds = self.settings.bounds.clone();
        let shaped = self.services.lane.run(owner, deadline, move |station| {
            let shaping = of.shaping();
            if let Err(failure) = within_bounds(&bounds, shaping, &answer) {
                return lost(shaping, status, &failure);
            }
            let shaped = super::shape(shaping, &answer, &context.borrow(), &defaults, station);
            shaped.unwrap_or_else(|stop| unshaped(shaping, stop, status))
        });
        match shaped.await {
            Ok(result) => result,
            Err(failure) => lost(answered.shaping(), status, &failure),
        }
    }
}

/// Refuses an answer of which much more would be made than it is, where it is read and not only given on.
fn within_bounds(bounds: &Bounds, shaping: Shaping<'_>, answer: &Answer) -> Result<(), Failure> {
    let is_read = shaping.response.is_some() || shaping.output.is_some();
    let first = answer.body.iter().find(|byte| !byte.is_ascii_whitespace());
    // Pages and other texts have no values.
    if !(is_read && matches!(first, Some(b'[' | b'{'))) {
        return Ok(());
    }
    bounds
        .answer()
        .check_quickly(&answer.body)
        .map_err(|exceeded| Failure::new(Outcome::BadAnswer, format!("The upstream's answer {exceeded}.")))
}

/// Where somebody asks what would be made of an answer, and nothing stands ready that may die over it.
fn not_here() -> Failure {
    let text = "The answer is not shaped here: that may take too long, or too much memory. A call shapes it.";
    Failure::new(Outcome::BadAnswer, text)
}

/// Where nothing better can be said: what may take all that there is ends in words of its own.
fn unshaped(shaping: Shaping<'_>, stop: Stop, status: StatusCode) -> CallResult {
    let failure = match stop {
        Stop::Failed(failure) => failure,
        Stop::Long => Failure::new(Outcome::BadAnswer, "The answer cannot be shaped."),
    };
    lost(shaping, status, &failure)
}
