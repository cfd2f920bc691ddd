//! What goes between a client and whatever answers it while a request is open: the request to an [`Origin`], the
//! [`Line`] back to the client over which progress, log messages and requests go before the [`Answer`].

mod answer;
mod client_can;
mod line;
mod log_level;
mod open_calls;
mod pending;
mod updates;
mod waits;

pub use answer::{Answer, Trouble};
pub(crate) use answer::{AskedFor, ShapedText, TooLarge};
pub use client_can::ClientCan;
pub use line::{Line, NoAnswer, Progress};
pub(crate) use line::{LineParts, Logs, Question, Reaches, Said};
pub use log_level::LogLevel;
pub(crate) use open_calls::{OpenCall, OpenCalls};
pub(crate) use pending::Pending;
pub use updates::{Updates, Watch};

use crate::{peer::Peer, spans::Above, spec::Method};
use futures_util::future::BoxFuture;
use http::HeaderValue;
use mcp_common::authenticator::{CommonLimits, Principal};
use serde_json::value::RawValue;
use std::sync::Arc;

/// Answers requests for one thing that another server offers.
pub trait Origin: Send + Sync {
    /// Answers. Dropping the future cancels the request; whatever is to be told to the client before goes over the line.
    fn answer(self: Arc<Self>, request: Forwarded, line: Line)
    -> BoxFuture<'static, Result<Answer, Trouble>>;

    /// What all callers together may ask of it, where that is limited.
    fn limits(&self) -> Option<&Arc<CommonLimits>> {
        None
    }

    /// Tells of changes of a resource until what comes of it is dropped; `None` where nobody tells.
    fn watch(self: Arc<Self>, _uri: Arc<str>, _updates: Arc<Updates>) -> BoxFuture<'static, Option<Watch>> {
        Box::pin(std::future::ready(None))
    }
}

/// A request on its way to an origin.
#[derive(Clone, Debug)]
pub struct Forwarded {
    /// The method.
    pub method: Method,
    /// Whether it is of 2026-07-28, so that a result may ask for input.
    pub is_modern: bool,
    /// Its parameters as the client sent them, a JSON object with all of its members.
    pub params: Box<RawValue>,
    /// The instance that it came through.
    pub instance: Arc<str>,
    /// Who sent it.
    pub principal: Principal,
    /// The client that it came from, whose memory it takes.
    pub peer: Arc<Peer>,
    /// The gateways that the client's request passed, and this one, as `Via` names them.
    pub via: Option<HeaderValue>,
    /// The span of the client's request, where anybody hears of it.
    pub above: Option<Above>,
    /// The session of an older client, where the instance has sessions: what an origin keeps for one client, it keeps by
    /// this.
    pub session: Option<Arc<str>>,
}
