//! What calls need that lives: it remembers, reads files, or has threads.

use super::{Lane, http::Tokens};
use crate::{secrets::Secrets, spans::Spans, tls_material::TrustRoots, tool::Bases};
use std::sync::Arc;

/// The services that all engines of a gateway share; clones are the same services.
#[derive(Clone, Debug)]
pub struct EngineServices {
    /// Whose certificates are believed; read once.
    pub trust: TrustRoots,
    /// The place where secrets of definitions are looked up.
    pub secrets: Secrets,
    /// The HTTP services that tools name.
    pub bases: Bases,
    /// Access tokens for upstreams.
    pub tokens: Tokens,
    /// Where work is done that takes longer than a moment.
    pub lane: Lane,
    /// Who hears of requests to upstreams, where anybody does.
    pub spans: Option<Arc<dyn Spans>>,
}

impl Default for EngineServices {
    fn default() -> Self {
        Self {
            trust: TrustRoots::native(),
            secrets: Secrets::default(),
            bases: Bases::default(),
            tokens: Tokens::default(),
            lane: Lane::default(),
            spans: None,
        }
    }
}
