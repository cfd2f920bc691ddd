//! What answers requests for things of upstreams: the upstream, whose words are understood and passed on.

use crate::{
    json::members::Members,
    relay::{Answer, Forwarded, Line, Origin, Trouble, Updates, Watch},
    spec::Method,
    tool::RemoteArguments,
    upstream::{Hub, RemoteCall, RemoteTool, RpcError, UpstreamError, Wanted},
};
use futures_util::future::BoxFuture;
use serde_json::{json, value::RawValue};
use std::sync::Arc;

/// The JSON-RPC error of parameters that do not fit: the client's own matter, whoever found it out.
const INVALID_PARAMS: i64 = -32602;
/// There is no such resource (before 2026-07-28).
const NOT_FOUND: i64 = -32002;
/// The client did not declare what the request needs (2026-07-28).
const MISSING_CAPABILITY: i64 = -32021;

/// One thing of an upstream, or all of its resources.
pub(super) struct RemoteOrigin {
    pub(super) hub: Arc<Hub>,
    pub(super) upstream: Arc<str>,
    pub(super) what: What,
}

/// What there is of an upstream that can be asked for.
#[derive(Clone)]
pub(super) enum What {
    /// A tool, with what the instance says about its arguments.
    Tool(Arc<RemoteTool>, Option<Arc<RemoteArguments>>),
    /// A prompt by the name that the server gives it.
    Prompt(Arc<str>),
    /// Any of its resources and templates.
    Resources,
}

impl Origin for RemoteOrigin {
    fn answer(
        self: Arc<Self>,
        request: Forwarded,
        line: Line,
    ) -> BoxFuture<'static, Result<Answer, Trouble>> {
        Box::pin(async move { self.pass_on(request, line).await })
    }

    fn watch(self: Arc<Self>, uri: Arc<str>, updates: Arc<Updates>) -> BoxFuture<'static, Option<Watch>> {
        Box::pin(async move {
            let watching = self.hub.watch(&self.upstream, &uri, updates).await?;
            Some(Box::new(watching) as Watch)
        })
    }
}

impl RemoteOrigin {
    async fn pass_on(&self, request: Forwarded, line: Line) -> Result<Answer, Trouble> {
        let upstream = &self.upstream;
        let wanted = match (&self.what, request.method) {
            (What::Tool(tool, _), Method::ToolsCall) => Wanted::Tool(tool.clone()),
            (What::Prompt(name), Method::PromptsGet) => Wanted::Prompt(name.clone()),
            (What::Prompt(name), Method::CompletionComplete) => Wanted::PromptCompletion(name.clone()),
            (What::Resources, Method::ResourcesRead) => Wanted::Resource,
            (What::Resources, Method::CompletionComplete) => Wanted::TemplateCompletion,
            (_, method) => {
                let method = method.name();
                return Err(Trouble::Failed(format!(
                    "The upstream `{upstream}` offers this, but not for `{method}`."
                )));
            }
        };
        let is_resource = matches!(wanted, Wanted::Resource);
        let call = RemoteCall {
            wanted,
            params: self.params(request.params.get())?,
            via: request.via,
            line: Some(line),
        };
        let result = self.hub.call(upstream, call).await;
        let result = result.map_err(|error| self.trouble(error, is_resource))?;
        let unfit = |error: serde_json::Error| {
            Trouble::Failed(format!(
                "The upstream `{upstream}` answered with what is no result: {error}."
            ))
        };
        let raw: &RawValue = serde_json::from_slice(&result).map_err(unfit)?;
        Answer::read(raw).map_err(unfit)
    }

    /// The client's parameters, with the arguments that the instance gives.
    fn params(&self, sent: &str) -> Result<Box<str>, Trouble> {
        let What::Tool(_, Some(own)) = &self.what else {
            return Ok(sent.into());
        };
        let members = Members::read(sent).map_err(Trouble::Invalid)?;
        let given = members.get("arguments").map_or("{}", RawValue::get);
        let given = if given == "null" { "{}" } else { given };
        let arguments = own.complete(given).map_err(Trouble::Failed)?;
        let mut out = format!("{{\"arguments\":{arguments}");
        for (name, value) in members.iter().filter(|(name, _)| *name != "arguments") {
            out.extend([",", &*json!(name).to_string(), ":", value.get()]);
        }
        out.push('}');
        Ok(out.into())
    }

    fn trouble(&self, error: UpstreamError, is_resource: bool) -> Trouble {
        match error {
            UpstreamError::Rpc(error) if is_resource && is_not_found(&error) => Trouble::NotFound,
            UpstreamError::Rpc(error) if error.code == INVALID_PARAMS => Trouble::Invalid(error.message),
            UpstreamError::Rpc(RpcError {
                code: MISSING_CAPABILITY,
                message,
                data: Some(data),
            }) => Trouble::Unable { message, data },
            error => Trouble::Failed(format!(
                "The upstream `{}` did not do it: {error}.",
                self.upstream
            )),
        }
    }
}

fn is_not_found(error: &RpcError) -> bool {
    let names_uri = |data: &RawValue| {
        let data: Option<serde_json::Value> = serde_json::from_str(data.get()).ok();
        data.is_some_and(|data| data.get("uri").is_some())
    };
    error.code == NOT_FOUND || (error.code == INVALID_PARAMS && error.data.as_deref().is_some_and(names_uri))
}
