//! What is counted of calls, and what of it goes with keys.

use mcp_common::{catalog::Catalog, key::Kind};
use mcp_core::{
    policy::{CountedCalls, Gate, KeyUsage, LimitMetrics, SharedLimits},
    tool::ToolCompiler,
};
use std::sync::Arc;

/// When keys were used, and how much of their limits.
#[derive(Default, Clone)]
pub(super) struct Counted {
    pub(super) usage: Arc<KeyUsage>,
    pub(super) limits: Arc<CountedCalls>,
}

impl Counted {
    /// Those that count, with whoever counts what is not let in.
    pub(super) fn gates(&self, refusals: Arc<dyn Gate>) -> Vec<Arc<dyn Gate>> {
        vec![self.limits.clone(), self.usage.clone(), refusals]
    }
}

/// Counts from now on.
pub(super) fn counted(
    catalog: &Arc<Catalog<ToolCompiler>>,
    shared: Option<Arc<SharedLimits>>,
    metrics: &LimitMetrics,
) -> Counted {
    let counts = Counted {
        limits: Arc::new(CountedCalls::default().shared(shared).telling(metrics.clone())),
        ..Counted::default()
    };
    let (followed, counted) = (Arc::downgrade(catalog), counts.clone());
    catalog.subscribe(Arc::new(move |applied| {
        let Some(catalog) = followed.upgrade() else { return };
        if applied.others.iter().any(|key| key.kind == Kind::API_KEY) {
            let snapshot = catalog.snapshot();
            let keys = snapshot.documents(Kind::API_KEY);
            let is_there = |id: &str| keys.is_some_and(|keys| keys.contains_key(id));
            counted.usage.keep(is_there);
            counted.limits.keep(is_there);
        }
    }));
    counts
}
