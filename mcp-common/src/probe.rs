//! The port behind which endpoints of upstreams are asked how they are, where a request of MCP or HTTP does not tell.

use async_trait::async_trait;
use std::{
    fmt,
    sync::{Arc, PoisonError, RwLock},
};

/// The endpoint that is asked about.
#[derive(Clone, Copy, Debug)]
pub struct Probed<'a> {
    /// The id of its upstream.
    pub upstream: &'a str,
    /// Its address, as the document has it.
    pub url: &'a str,
    /// Its region, where the document says one.
    pub region: Option<&'a str>,
}

/// What was found out. Every text is one line for the operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// It can be called.
    Good,
    /// It cannot, and why.
    Bad(String),
    /// Nothing could be found out, and why: that says nothing about the endpoint, and changes nothing.
    Unknown(String),
}

/// Asks endpoints how they are.
#[async_trait]
pub trait HealthProbe: Send + Sync {
    /// Asks one endpoint. The gateway says when, bounds the time (the future is dropped then, and the endpoint has failed), and counts.
    async fn probe(&self, endpoint: Probed<'_>) -> Finding;
}

/// What a gateway has for probes.
#[derive(Clone, Debug, Default)]
pub struct Surroundings {
    /// What probes may start.
    pub programs: AllowedPrograms,
}

/// The programs that definitions may start (`stdio.allow`), as it is now. Clones are the same.
#[derive(Clone, Default)]
pub struct AllowedPrograms(Arc<RwLock<Vec<String>>>);

impl AllowedPrograms {
    /// From now on these, exactly as definitions write them, and no others.
    pub fn set(&self, allowed: Vec<String>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = allowed;
    }

    /// Whether this one may be started.
    pub fn has(&self, command: &str) -> bool {
        let allowed = self.0.read().unwrap_or_else(PoisonError::into_inner);
        allowed.iter().any(|one| one == command)
    }
}

impl fmt::Debug for AllowedPrograms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AllowedPrograms").finish_non_exhaustive()
    }
}
