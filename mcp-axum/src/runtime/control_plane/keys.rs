//! What is counted of keys and roles goes with them.

use mcp_common::{catalog::Catalog, key::Kind};
use mcp_core::{
    policy::{CountedKeys, Gate, KeyUsage, LimitMetrics, SharedLimits},
    tool::ToolCompiler,
};
use std::sync::Arc;

/// When keys were used, and how much of their limits.
#[derive(Default, Clone)]
pub(super) struct Counted {
    pub(super) usage: Arc<KeyUsage>,
    limits: Arc<CountedKeys>,
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
        limits: Arc::new(CountedKeys::default().shared(shared).telling(metrics.clone())),
        ..Counted::default()
    };
    let (followed, counted) = (Arc::downgrade(catalog), counts.clone());
    catalog.subscribe(Arc::new(move |applied| {
        let Some(catalog) = followed.upgrade() else { return };
        let concerns = |kind: Kind| applied.others.iter().any(|key| key.kind == kind);
        if concerns(Kind::API_KEY) || concerns(Kind::ROLE) {
            let snapshot = catalog.snapshot();
            let is_there =
                |kind: Kind, id: &str| snapshot.documents(kind).is_some_and(|all| all.contains_key(id));
            let is_key_there = |id: &str| is_there(Kind::API_KEY, id);
            counted.usage.keep(is_key_there);
            counted.limits.keep(is_key_there, |id| is_there(Kind::ROLE, id));
        }
    }));
    counts
}
