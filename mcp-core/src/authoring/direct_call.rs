//! A call of an upstream's tool outside of any instance: what an operator makes by the upstream's own names.

use crate::{
    engine::{CallContext, Engine, RemoteShaping},
    relay::Answer,
    spec::Era,
    tool::{InstanceNames, ToolCompiler},
    upstream::{Hub, OfferedTool, RemoteCall, UpstreamError},
    view::Finishing,
};
use mcp_common::{authenticator::Principal, problem::Problems};
use serde_json::value::RawValue;
use std::sync::Arc;

/// What such calls are made with.
#[derive(Clone, Copy, Debug)]
pub struct DirectCalls<'a> {
    /// Shapes.
    pub engine: &'a Engine,
    /// The compiler of the documents.
    pub compiler: &'a ToolCompiler,
    /// The upstreams.
    pub hub: &'a Hub,
    /// Who calls.
    pub principal: &'a Principal,
}

/// Why there is no result.
#[derive(Debug, thiserror::Error)]
pub enum NoResult {
    /// The upstream did not answer, or not well.
    #[error("{0}")]
    Upstream(#[from] UpstreamError),
    /// Its answer is no result.
    #[error("the answer is no result: {0}")]
    NoAnswer(#[from] serde_json::Error),
    /// Its answers are to be shaped, and cannot be.
    #[error("{0}")]
    Shape(#[from] Problems),
    /// It asks its client for something, or begins a task.
    #[error("the tool wants more than one request, and is to be called through an instance by an MCP client")]
    Unfinished,
}

impl DirectCalls<'_> {
    /// The result as clients of older revisions get it, a JSON object. `arguments` is one, too.
    pub async fn result(&self, offered: &OfferedTool, arguments: &RawValue) -> Result<String, NoResult> {
        let subject = self.principal.known_subject();
        let call = RemoteCall {
            principal: subject.map(|_| self.principal.subject.clone()),
            ..RemoteCall::of_nobody(offered.tool.clone(), arguments.get())
        };
        let result = self.hub.call(&offered.upstream, call).await?;
        let raw: &RawValue = serde_json::from_slice(&result)?;
        let answer = Answer::read(raw)?;
        if !answer.is_complete() {
            return Err(NoResult::Unfinished);
        }
        let shaping = match &offered.output {
            None => None,
            Some(output) => Some(Arc::new(RemoteShaping {
                tool: offered.id().into(),
                shape: self.compiler.remote_shape("output", output)?,
                is_safe: offered.tool.only_reads,
            })),
        };
        let finishing = Finishing {
            hub: self.hub,
            engine: self.engine,
            definition: &offered.definition,
            tool: &offered.tool,
            shaping: shaping.as_ref(),
        };
        let context = CallContext {
            instance: &InstanceNames::id_only(""),
            principal: self.principal,
            arguments: Some(arguments),
            headers: None,
        };
        let answer = finishing.finished(answer, &context).await;
        Ok(answer.render(Era::Legacy, "", ""))
    }
}
