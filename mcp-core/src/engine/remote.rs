//! Results of other servers' tools, shaped as their `output` says: by the same work, in the same lanes, as answers of HTTP tools.

use super::{
    CallContext, Engine, Failure,
    http::{Answer as HttpAnswer, Defaults, Shapes, Shaping},
    lane::Owner,
};
use crate::{
    relay::{Answer, ShapedText},
    tool::RemoteShape,
};
use http::Response;
use std::{sync::Arc, time::Duration};
use tokio::time::Instant;

/// One tool's.
#[derive(Debug)]
pub(crate) struct RemoteShaping {
    /// `upstream/tool`.
    pub(crate) tool: Arc<str>,
    pub(crate) shape: Arc<RemoteShape>,
    /// Whether a call changes nothing, as the server says.
    pub(crate) is_safe: bool,
}

impl Shapes for RemoteShaping {
    fn shaping(&self) -> Shaping<'_> {
        Shaping {
            response: self.shape.response.as_ref(),
            output: None,
            is_safe: self.is_safe,
        }
    }

    fn owner(this: &Arc<Self>) -> Owner {
        Owner {
            key: Arc::as_ptr(&this.shape).addr(),
            name: this.tool.clone(),
        }
    }
}

impl Engine {
    /// Does what takes its time with so many bytes of an answer of `upstream`: beside the workers, where others would wait for it.
    pub(crate) async fn aside<T: Send + 'static>(
        &self,
        bytes: usize,
        upstream: &str,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Failure> {
        let lane = &self.services.lane;
        if bytes <= lane.settings().answer_bytes {
            return Ok(work());
        }
        let deadline = Instant::now() + self.settings.default_timeout;
        Box::pin(lane.run(Owner::named(upstream), deadline, move |_| work())).await
    }

    /// The result as clients get it, made of what `body` has of it. `most` bytes of text, and of structured content, are allowed where the shape says nothing else. What
    /// is neither is there as it was; a result that cannot be shaped becomes an error that says why.
    pub(crate) async fn shaped_remote(
        &self,
        shaping: &Arc<RemoteShaping>,
        (answer, body): (Answer, Option<String>),
        context: &CallContext<'_>,
        (most, patience): (usize, Duration),
    ) -> Answer {
        let Some(response) = &shaping.shape.response else {
            return answer;
        };
        if body.is_none() && response.template.is_none() {
            return answer;
        }
        let defaults = Defaults {
            max_result_bytes: most,
            ..self.defaults()
        };
        let body = HttpAnswer::from(Response::new(body.unwrap_or_default().into()));
        let deadline = Instant::now() + patience;
        let shaped = self
            .shaped_within(shaping, body, context, (deadline, defaults))
            .await;
        if shaped.is_error {
            return answer.failed(&shaped.content);
        }
        let restructures = shaping.shape.restructures();
        let done = self.aside(answer.bytes(), &shaping.tool, move || {
            answer.shaped(ShapedText {
                content: &shaped.content,
                structured: restructures.then_some(shaped.structured),
                most,
            })
        });
        done.await
            .unwrap_or_else(|failure| Answer::unworked(&failure.text()))
    }
}
