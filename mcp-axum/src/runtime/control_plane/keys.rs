//! What is counted of calls, and what of it goes with keys and roles.

use mcp_common::{
    authenticator::key_of,
    catalog::Catalog,
    key::{Key, Kind},
};
use mcp_core::{
    policy::{CountedCalls, Gate, KeyUsage, LimitMetrics, SharedLimits},
    tool::ToolCompiler,
    upstream::Hub,
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

/// What the holder of a key has connected goes with the key: whoever has a later one of the same id is somebody else.
pub(super) fn take_accounts_along(catalog: &Arc<Catalog<ToolCompiler>>, hub: &Arc<Hub>) {
    let (followed, connected) = (Arc::downgrade(catalog), Arc::downgrade(hub));
    catalog.subscribe(Arc::new(move |applied| {
        let is_about_keys = applied.others.iter().any(|key| key.kind == Kind::API_KEY);
        if !applied.first_load && !is_about_keys {
            return;
        }
        let (Some(catalog), Some(hub)) = (followed.upgrade(), connected.upgrade()) else {
            return;
        };
        // Before that nobody knows which keys there are.
        if !catalog.loaded() {
            return;
        }
        let snapshot = catalog.snapshot();
        // One that cannot be read now is still there.
        let is_stored = |id: &str| snapshot.stored_revision(&Key::api_key(id)).is_some();
        hub.keep_callers(&|owner| key_of(owner).is_none_or(is_stored));
    }));
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
        let concerns = |kind: Kind| applied.others.iter().any(|key| key.kind == kind);
        if concerns(Kind::API_KEY) || concerns(Kind::ROLE) {
            let snapshot = catalog.snapshot();
            let is_there =
                |kind: Kind, id: &str| snapshot.documents(kind).is_some_and(|all| all.contains_key(id));
            counted
                .limits
                .keep(|id| is_there(Kind::API_KEY, id), |id| is_there(Kind::ROLE, id));
            // One that cannot be read now is still the key that it was.
            let is_stored = |id: &str| snapshot.stored_revision(&Key::api_key(id)).is_some();
            counted.usage.keep(is_stored);
        }
    }));
    counts
}
