//! Examples that the document of an upstream has of its tools' calls (`tools.overrides.….examples`).

use super::{ExampleRun, Mode, Verdict, expectation::differences};
use crate::{
    engine::{CallContext, CallResult, Engine, Outcome, RemoteShaping},
    relay::Answer,
    tool::{InstanceNames, ToolCompiler},
    upstream::{Hub, RemoteCall, RemoteTool},
    view::Finishing,
};
use mcp_common::{
    authenticator::Principal,
    definition::{
        UpstreamDefinition,
        tool::StaticAnswer,
        upstream::{self, RemoteExample},
    },
};
use serde_json::{json, value::RawValue};
use std::sync::Arc;

/// Who runs examples of upstreams' tools.
#[derive(Clone, Copy, Debug)]
pub struct RemoteRunner<'a> {
    /// Shapes.
    pub engine: &'a Engine,
    /// The compiler of the documents.
    pub compiler: &'a ToolCompiler,
    /// The upstreams. Without connections of its own a process can take answers from examples only.
    pub hub: &'a Hub,
    /// The caller, for templates.
    pub principal: &'a Principal,
    /// The source of answers. [`Mode::Live`] calls tools that say that they only read (`readOnlyHint`), the others only if it
    /// may.
    pub mode: Mode,
}

/// Why an example has no result.
enum NoResult {
    Skipped(String),
    Failed(String),
}

impl RemoteRunner<'_> {
    /// Runs the examples of all tools of an upstream that `wants` names, one after the other.
    pub async fn run(
        &self,
        definition: &UpstreamDefinition,
        wants: impl Fn(&str) -> bool,
    ) -> Vec<ExampleRun> {
        let mut runs = Vec::new();
        for (name, said) in &definition.tools.overrides {
            let id = format!("{}/{name}", definition.id);
            if !wants(&id) {
                continue;
            }
            for (index, example) in said.examples.iter().enumerate() {
                let (verdict, details) = match self.result(definition, (name, &id, said), example).await {
                    Ok(result) => {
                        let details = differences(example.expect.as_ref(), &result);
                        match details.is_empty() {
                            true => (Verdict::Passed, details),
                            false => (Verdict::Failed, details),
                        }
                    }
                    Err(NoResult::Skipped(reason)) => (Verdict::Skipped, vec![reason]),
                    Err(NoResult::Failed(reason)) => (Verdict::Failed, vec![reason]),
                };
                runs.push(ExampleRun {
                    tool: id.clone(),
                    example: format!("examples[{index}]"),
                    description: example.description.clone(),
                    verdict,
                    details,
                });
            }
        }
        runs
    }

    async fn result(
        &self,
        definition: &UpstreamDefinition,
        (name, id, said): (&Arc<str>, &str, &upstream::RemoteTool),
        example: &RemoteExample,
    ) -> Result<CallResult, NoResult> {
        let offer = self.hub.offer(&definition.id);
        if offer.is_none() && matches!(self.mode, Mode::Live { .. }) {
            let reason = "the upstream is switched off, or this is no running gateway (`dynmcp test --live --server URL`)";
            return Err(NoResult::Skipped(reason.to_owned()));
        }
        let inventory = offer.and_then(|offer| offer.inventory);
        let known = inventory.and_then(|inventory| inventory.tool(name).cloned());
        let (tool, answer) = match (self.mode, &example.mock) {
            (Mode::Mock, None) => return Err(NoResult::Skipped("has no `mock`".to_owned())),
            (Mode::Mock, Some(mock)) => {
                let tool = known.unwrap_or_else(|| Arc::new(RemoteTool::unknown(name)));
                (tool, mocked(mock)?)
            }
            (Mode::Live { any_method }, _) => {
                let missing = || {
                    let upstream = &definition.id;
                    NoResult::Failed(format!("the upstream `{upstream}` has no tool `{name}` now"))
                };
                let tool = known.ok_or_else(missing)?;
                if !tool.only_reads && !any_method {
                    let reason = "the server does not say that the tool only reads (`readOnlyHint`), it is not called unasked";
                    return Err(NoResult::Skipped(reason.to_owned()));
                }
                let answer = self.answered(definition, &tool, example).await?;
                (tool, answer)
            }
        };
        let shaping = said.output.as_ref().map(|output| {
            let shape = self.compiler.remote_shape("output", output);
            shape.map(|shape| {
                Arc::new(RemoteShaping {
                    tool: id.into(),
                    shape,
                    is_safe: tool.only_reads,
                })
            })
        });
        let shaping = shaping
            .transpose()
            .map_err(|problems| NoResult::Failed(problems.to_string()))?;
        let finishing = Finishing {
            hub: self.hub,
            engine: self.engine,
            definition,
            tool: &tool,
            shaping: shaping.as_ref(),
        };
        let context = CallContext {
            instance: &InstanceNames::id_only(""),
            principal: self.principal,
            arguments: example.arguments.as_deref(),
            headers: None,
        };
        Ok(finishing.finished(answer, &context).await.into_result())
    }

    async fn answered(
        &self,
        definition: &UpstreamDefinition,
        tool: &Arc<RemoteTool>,
        example: &RemoteExample,
    ) -> Result<Answer, NoResult> {
        let arguments = example.arguments.as_deref().map_or("{}", RawValue::get);
        let call = RemoteCall::of_nobody(tool.clone(), arguments);
        let failed = |reason: String| NoResult::Failed(format!("the call: {reason}"));
        let result = self.hub.call(&definition.id, call).await;
        let result = result.map_err(|error| failed(error.to_string()))?;
        let raw: &RawValue = serde_json::from_slice(&result).map_err(|error| failed(error.to_string()))?;
        Answer::read(raw).map_err(|error| failed(error.to_string()))
    }
}

/// The result that an example brings along.
fn mocked(mock: &StaticAnswer) -> Result<Answer, NoResult> {
    let wrong = |error: serde_json::Error| NoResult::Failed(format!("mock: {error}"));
    let structured = mock.structured.as_deref().map(RawValue::get);
    let content = match (&mock.content, structured) {
        (Some(blocks), _) => serde_json::to_string(blocks).map_err(wrong)?,
        (None, text) => json!([{"type": "text", "text": text}]).to_string(),
    };
    let structured = structured.map_or_else(String::new, |json| format!(",\"structuredContent\":{json}"));
    let result = RawValue::from_string(format!("{{\"content\":{content}{structured}}}")).map_err(wrong)?;
    Answer::read(&result).map_err(wrong)
}

impl Answer {
    fn into_result(self) -> CallResult {
        let is_error = self.is_error();
        CallResult {
            content: self.content().as_bytes().to_vec(),
            structured: self.structured().map(|json| json.to_owned().into()),
            is_error,
            outcome: match is_error {
                true => Outcome::Upstream4xx,
                false => Outcome::Ok,
            },
            upstream_status: None,
            mismatch: None,
            asked: None,
        }
    }
}
