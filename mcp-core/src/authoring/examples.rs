//! Examples of a definition, run as contract tests: with an answer that the example brings along, or against the
//! upstream itself. What a model would get is compared with what the example expects.

mod expectation;
mod mock;
mod remote;

use crate::{
    engine::{CallContext, CallResult, Engine},
    tool::{CompiledTool, InstanceNames, Target},
};
use expectation::differences;
use http::Method;
use mcp_common::{
    authenticator::Principal,
    definition::{ToolDefinition, tool::Example},
};
pub use remote::RemoteRunner;
use serde::{Deserialize, Serialize};

/// The source of answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// The answer comes from the example; nothing is sent and no secret is looked up.
    Mock,
    /// The answer comes from the upstream, with everything that holds for a call: egress policy, credentials, limits.
    Live {
        /// Requests are sent that may change something there. Without it only `GET`, `HEAD` and `OPTIONS` are.
        any_method: bool,
    },
}

/// What came of one example.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExampleRun {
    /// The tool's id.
    pub tool: String,
    /// The place of the example: `examples[0]`.
    pub example: String,
    /// What the example shows, for people, if it says something.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Whether it is as expected.
    pub verdict: Verdict,
    /// What is not, or why it was not run.
    pub details: Vec<String>,
}

/// The verdict on one example.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Everything was as expected.
    Passed,
    /// Something was not as expected.
    Failed,
    /// The example was not run.
    Skipped,
}

/// Who runs examples.
#[derive(Clone, Copy, Debug)]
pub struct Runner<'a> {
    /// Plans, sends and shapes.
    pub engine: &'a Engine,
    /// The instance, for the definition's templates.
    pub instance: &'a InstanceNames,
    /// The caller, for the definition's templates.
    pub principal: &'a Principal,
    /// The source of answers.
    pub mode: Mode,
}

impl Runner<'_> {
    /// Runs the examples of a definition, one after the other; `tool` is it, compiled.
    pub async fn run(&self, tool: &CompiledTool, definition: &ToolDefinition) -> Vec<ExampleRun> {
        let mut runs = Vec::new();
        for (index, example) in definition.examples.iter().flatten().enumerate() {
            let (verdict, details) = self.example(tool, example).await;
            runs.push(ExampleRun {
                tool: definition.id.to_string(),
                example: format!("examples[{index}]"),
                description: example.description.clone(),
                verdict,
                details,
            });
        }
        runs
    }

    async fn example(&self, tool: &CompiledTool, example: &Example) -> (Verdict, Vec<String>) {
        let skipped = |reason: String| (Verdict::Skipped, vec![reason]);
        let context = CallContext {
            instance: self.instance,
            principal: self.principal,
            arguments: example.arguments.as_deref(),
            headers: None,
        };
        let result: CallResult = match (self.mode, &example.mock) {
            // Nothing is asked, so nothing stands in for an answer.
            _ if matches!(tool.target, Target::Static(_)) => self.engine.call(tool, context).await,
            (Mode::Mock, None) => return skipped("has no `mock`".to_owned()),
            (Mode::Mock, Some(mock)) => match self.engine.plan(tool, context) {
                Err(refused) => refused,
                Ok(_) => match mock::response(mock) {
                    Ok(answer) => self.engine.answered(tool, context, answer).await,
                    Err(reason) => return (Verdict::Failed, vec![reason]),
                },
            },
            (Mode::Live { any_method }, _) => {
                if let (Some(method), false) = (changing_method(tool), any_method) {
                    return skipped(format!(
                        "{method} may change something there, it is not sent unasked"
                    ));
                }
                self.engine.call(tool, context).await
            }
        };
        let details = differences(example.expect.as_ref(), &result);
        match details.is_empty() {
            true => (Verdict::Passed, details),
            false => (Verdict::Failed, details),
        }
    }
}

/// The method by which a call may change something at the upstream.
fn changing_method(tool: &CompiledTool) -> Option<&Method> {
    match &tool.target {
        Target::Http(call) => {
            Some(&call.method).filter(|method| !method.is_safe() || **method == Method::TRACE)
        }
        Target::Static(_) => None,
    }
}

#[cfg(test)]
mod tests;
