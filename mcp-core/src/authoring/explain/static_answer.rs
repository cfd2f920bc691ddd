//! What a call of a tool is answered whose definition holds the answer.

use super::{ExplainedTarget, Explanation, sent::shown_result};
use crate::{
    engine::{CallContext, Engine},
    tool::{CompiledTool, StaticAnswer},
};

impl Engine {
    pub(super) fn explain_static(
        &self,
        tool: &CompiledTool,
        answer: &StaticAnswer,
        context: &CallContext<'_>,
    ) -> Explanation {
        let (problems, answer) = match self.answer_or_why(tool, answer, context) {
            // Nothing of it is a secret: definitions name secrets where requests are made only.
            Ok(result) => (Vec::new(), Some(shown_result(&result, &str::to_owned))),
            Err(failure) => (failure.into_problems(), None),
        };
        let instance = context.instance.id();
        Explanation {
            instance: (!instance.is_empty()).then(|| instance.to_owned()),
            target: ExplainedTarget::Static,
            method: None,
            upstream: None,
            endpoint: None,
            valid: answer.is_some(),
            problems,
            request: None,
            curl: None,
            placements: Vec::new(),
            limits: None,
            egress: None,
            answer,
            sent: None,
        }
    }
}
