//! Turns one tool call into a tool result: arguments are completed and checked, and the tool's target answers.

pub(crate) mod arguments;
mod caller;
pub(crate) mod complete;
mod dispatch;
pub(crate) mod failure;
pub(crate) mod http;
mod lane;
mod nulls;
mod owned_context;
mod prepare;
mod remote;
mod result;
pub mod sandbox;
mod seen;
mod services;
mod settings;
mod static_answer;
mod work;

use crate::{
    relay::Line,
    secrets::Vault,
    spans::Spans,
    tool::{Bases, InstanceNames},
};
use ::http::HeaderMap;
pub(crate) use arguments::completed;
pub(crate) use caller::principal as named_principal;
pub use failure::ArgumentProblem;
use failure::Failure;
pub use http::Tokens;
use http::{client::Upstream, connections::Pools};
pub use lane::{Lane, LaneMetrics, LaneSettings};
use mcp_common::authenticator::Principal;
pub(crate) use nulls::without_nulls;
pub(crate) use remote::RemoteShaping;
pub use result::{Asked, CallResult, Outcome};
use serde_json::value::RawValue;
pub use services::EngineServices;
pub use settings::EngineSettings;
use std::sync::Arc;
pub(crate) use work::{Here, is_heavy};

/// Who calls what with which arguments.
#[derive(Clone, Copy, Debug)]
pub struct CallContext<'a> {
    /// The instance that the call came through.
    pub instance: &'a InstanceNames,
    /// Who calls.
    pub principal: &'a Principal,
    /// `params.arguments` as the client sent them.
    pub arguments: Option<&'a RawValue>,
    /// Headers of the client's request. Only those go on that a definition names (`auth.type: passthrough`, and templates that name one which the
    /// operator allows).
    pub headers: Option<&'a HeaderMap>,
}

/// Sends calls upstream. Has connection pools of its own; clones share them.
#[derive(Clone, Debug)]
pub struct Engine {
    pub(crate) settings: EngineSettings,
    pub(crate) services: EngineServices,
    upstream: Upstream,
    /// Connections for tools that ask for others than those of `upstream`.
    pools: Pools,
    /// Where calls tell how far they are.
    line: Option<Line>,
}

impl Engine {
    /// Who hears of requests to upstreams, where anybody does.
    pub(crate) fn spans(&self) -> Option<&Arc<dyn Spans>> {
        self.services.spans.as_ref()
    }

    /// An engine with an empty pool; it connects when it is called.
    pub fn new(mut settings: EngineSettings, services: EngineServices) -> Self {
        settings.via = settings.via.map(|via| via.apart());
        Self {
            upstream: Upstream::new(&settings, &services),
            pools: Pools::new(&settings, &services),
            settings,
            services,
            line: None,
        }
    }

    /// The HTTP services that tools name.
    pub fn bases(&self) -> &Bases {
        &self.services.bases
    }

    /// The secrets of the store.
    pub fn vault(&self) -> &Vault {
        self.services.secrets.vault()
    }

    /// The same for one call, whose client wants to know how far it is.
    pub(crate) fn telling(&self, line: Line) -> Self {
        Self {
            line: Some(line),
            ..self.clone()
        }
    }
}

impl Default for Engine {
    fn default() -> Self {
        Self::new(EngineSettings::default(), EngineServices::default())
    }
}

/// The client has its part of the memory, or all of it is taken.
fn no_memory(what: &str) -> Failure {
    let text = format!(
        "The gateway has no memory for this {what} now (app.memory_budget): too much is in flight for this client, or for all. Try again later, with less at once."
    );
    Failure::new(Outcome::Overloaded, text)
}
