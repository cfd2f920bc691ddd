//! Turns one tool call into one HTTP request and its answer into a tool result: plan → send → shape.

pub(crate) mod encode;
mod failure;
mod members;
mod plan;
mod result;
mod settings;
mod shape;
mod strict_value;
mod upstream;

pub use result::{CallResult, Outcome};
pub use settings::{EgressRule, EgressSettings, EngineSettings, NoEgressRule, TrustRoots};

use crate::tool::CompiledTool;
use bytes::Bytes;
use failure::Failure;
use http::{Request, Response};
use http_body_util::Full;
use mcp_common::authenticator::Principal;
use serde_json::value::RawValue;
use upstream::Upstream;

/// Who calls what with which arguments.
#[derive(Clone, Copy, Debug)]
pub struct CallContext<'a> {
    /// The instance that the call came through.
    pub instance: &'a str,
    /// Who calls.
    pub principal: &'a Principal,
    /// `params.arguments` as the client sent them.
    pub arguments: Option<&'a RawValue>,
}

/// Sends calls upstream. Has a connection pool of its own; clones share it.
#[derive(Clone, Debug)]
pub struct Engine {
    settings: EngineSettings,
    upstream: Upstream,
}

impl Engine {
    /// With an empty pool; connects when called.
    pub fn new(settings: EngineSettings) -> Self {
        let upstream = Upstream::new(&settings);
        Self { settings, upstream }
    }

    /// Calls the tool. Whatever goes wrong is part of the result; dropping the future gives the upstream call up.
    pub async fn call(&self, tool: &CompiledTool, context: CallContext<'_>) -> CallResult {
        let call = &tool.call;
        let request = match self.plan(tool, context) {
            Ok(request) => request,
            Err(refusal) => return refusal,
        };
        let max_response_bytes = call
            .max_response_bytes
            .unwrap_or(self.settings.max_response_bytes);
        let timeout = call.timeout.unwrap_or(self.settings.default_timeout);
        let mut status = None;
        let exchange = self.upstream.exchange(request, max_response_bytes, &mut status);
        match tokio::time::timeout(timeout, exchange).await {
            Ok(Ok(answer)) => shape::shape(call, answer),
            Ok(Err(failure)) => failure.into_result(status),
            Err(_) => {
                let host = &call.origin.authority;
                let text = format!("{host} gave no complete answer within {timeout:?}.");
                Failure::new(Outcome::Timeout, text).into_result(status)
            }
        }
    }

    /// The request that a call would make, without sending it; or the result that says why there is none.
    pub fn plan(
        &self,
        tool: &CompiledTool,
        context: CallContext<'_>,
    ) -> Result<Request<Full<Bytes>>, CallResult> {
        let max_request_bytes = tool
            .call
            .max_request_bytes
            .unwrap_or(self.settings.max_request_bytes);
        plan::plan(&tool.call, &context, max_request_bytes).map_err(|failure| failure.into_result(None))
    }

    /// What the tool makes of an answer, without asking anybody.
    pub fn shape(&self, tool: &CompiledTool, answer: Response<Bytes>) -> CallResult {
        shape::shape(&tool.call, answer.into())
    }
}
