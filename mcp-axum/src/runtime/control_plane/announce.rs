//! What operators read in the log about the catalog: doors that stand open. The
//! first load makes the gateway ready.

use crate::app::{Phase, Readiness};
use mcp_common::{catalog::Catalog, definition::instance::InstanceAuth};
use mcp_core::tool::ToolCompiler;
use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError, Weak},
};

/// Called before anything is loaded.
pub(super) fn subscribe(catalog: &Arc<Catalog<ToolCompiler>>, readiness: &Readiness) {
    let (readiness, open) = (readiness.clone(), Mutex::new(BTreeSet::new()));
    let watched: Weak<Catalog<ToolCompiler>> = Arc::downgrade(catalog);
    catalog.subscribe(Arc::new(move |applied| {
        let Some(catalog) = watched.upgrade() else { return };
        let snapshot = catalog.snapshot();
        let mut open: std::sync::MutexGuard<'_, BTreeSet<Arc<str>>> =
            open.lock().unwrap_or_else(PoisonError::into_inner);
        for id in &applied.instances {
            let entry = snapshot.instances.get(id);
            let is_open = entry
                .is_some_and(|entry| entry.definition.enabled && entry.definition.auth == InstanceAuth::None);
            if !is_open {
                open.remove(id);
            } else if open.insert(id.clone()) {
                tracing::warn!(
                    target: "dynmcp",
                    instance = %id, "anonymous instance: everybody who reaches this port may use its tools"
                );
            }
        }
        if applied.first_load {
            readiness.advance(Phase::Ready);
        }
    }));
}
