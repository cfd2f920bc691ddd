//! What operators read in the log about the catalog: doors that stand open; and what is told of its changes. The
//! first load makes the gateway ready.

use crate::app::{Phase, Readiness};
use mcp_common::{catalog::Catalog, definition::instance::InstanceAuth, events::Events, key::Kind};
use mcp_core::tool::ToolCompiler;
use serde_json::json;
use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError, Weak},
};

/// How many definitions one event names.
const MOST_NAMED: usize = 100;

/// Tells of every change of definitions.
pub(super) fn tell(catalog: &Catalog<ToolCompiler>, events: &Events) {
    let events = events.clone();
    catalog.subscribe(Arc::new(move |applied| {
        let others = applied.others.iter().take(MOST_NAMED);
        let others: Vec<_> = others
            .map(|key| format!("{}/{}", key.kind.path_segment(), key.id))
            .collect();
        let instances: Vec<_> = applied.instances.iter().take(MOST_NAMED).collect();
        let members = json!({"revision": applied.revision, "instances": instances, "others": others});
        events.tell("definition.changed", members);
        let keys = applied.others.iter().filter(|key| key.kind == Kind::API_KEY);
        for key in keys.take(MOST_NAMED) {
            events.tell(
                "key.changed",
                json!({"key": key.id, "revision": applied.revision}),
            );
        }
        if applied.first_load {
            let members = json!({"version": env!("CARGO_PKG_VERSION"), "revision": applied.revision});
            events.tell("server.started", members);
        }
    }));
}

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
