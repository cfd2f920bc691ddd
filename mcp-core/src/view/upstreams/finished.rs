//! What becomes of a tool's result between its server and a client: it is shaped, and kept within its bounds.

use crate::{
    engine::{CallContext, Engine, RemoteShaping},
    relay::{Answer, TooLarge},
    upstream::{Hub, RemoteTool},
};
use mcp_common::definition::UpstreamDefinition;
use std::sync::Arc;

/// One tool of an upstream, and what is said about its answers.
#[derive(Clone, Copy)]
pub(crate) struct Finishing<'a> {
    pub(crate) hub: &'a Hub,
    pub(crate) engine: &'a Engine,
    pub(crate) definition: &'a UpstreamDefinition,
    pub(crate) tool: &'a Arc<RemoteTool>,
    pub(crate) shaping: Option<&'a Arc<RemoteShaping>>,
}

impl Finishing<'_> {
    /// A result that is not shaped.
    pub(crate) async fn within_bounds(self, answer: Answer) -> Answer {
        self.within(answer, self.hub.max_result_bytes(self.definition))
            .await
    }

    /// The result as clients get it.
    pub(crate) async fn finished(self, answer: Answer, context: &CallContext<'_>) -> Answer {
        let own = self.shaping.and_then(|shaping| shaping.shape.max_bytes);
        let most = own.unwrap_or_else(|| self.hub.max_result_bytes(self.definition));
        // What is no result yet, or none, says what it says.
        let shaping = self
            .shaping
            .filter(|_| !answer.is_error() && answer.is_complete());
        let Some(shaping) = shaping else {
            return self.within(answer, most).await;
        };
        let bytes = answer.bytes();
        let taken = self.engine.aside(bytes, &self.definition.id, move || {
            let body = answer.body();
            (answer, body)
        });
        let (answer, body) = match taken.await {
            Ok(taken) => taken,
            Err(failure) => return Answer::unworked(&failure.text()),
        };
        let answer = match shaping.shape.restructures() && body.is_some() {
            true => answer,
            false => self.within(answer, most).await,
        };
        if answer.is_error() {
            return answer;
        }
        let patience = self.definition.timeouts.call();
        let shaping = self
            .engine
            .shaped_remote(shaping, (answer, body), context, (most, patience));
        Box::pin(shaping).await
    }

    async fn within(self, answer: Answer, most: usize) -> Answer {
        let (tool, upstream) = (self.tool.clone(), self.definition.id.clone());
        let bounded = self.engine.aside(answer.bytes(), &self.definition.id, move || {
            within(answer, most, &tool, &upstream)
        });
        bounded
            .await
            .unwrap_or_else(|failure| Answer::unworked(&failure.text()))
    }
}

/// A result that is no larger than one may be, or that says so.
fn within(mut answer: Answer, most: usize, tool: &RemoteTool, upstream: &str) -> Answer {
    let size = match answer.keep_within(most) {
        Ok(is_cut) if !is_cut || tool.promises(answer.structured()) => return answer,
        Ok(_) => None,
        Err(TooLarge(size)) => Some(size),
    };
    if answer.is_error() {
        return answer.without_structured();
    }
    let size = size.map_or_else(|| "more".to_owned(), |size| format!("{size}"));
    Answer::tool_error(&format!(
        "The structured content of the result has {size} bytes, at most {most} are allowed (upstream.max_result_bytes, or \
         limits.max_result_bytes of the upstream `{upstream}`, or output.max_bytes of its tool), and it cannot be made shorter. The call itself \
         succeeded: what it changes is changed. Ask for less."
    ))
}
