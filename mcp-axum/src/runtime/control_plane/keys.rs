//! What is known of the use of keys goes with them.

use mcp_common::{catalog::Catalog, key::Kind};
use mcp_core::{policy::KeyUsage, tool::ToolCompiler};
use std::sync::Arc;

/// Counts from now on.
pub(super) fn usage(catalog: &Arc<Catalog<ToolCompiler>>) -> Arc<KeyUsage> {
    let usage = Arc::new(KeyUsage::default());
    let (followed, counted) = (Arc::downgrade(catalog), usage.clone());
    catalog.subscribe(Arc::new(move |applied| {
        let Some(catalog) = followed.upgrade() else { return };
        if applied.others.iter().any(|key| key.kind == Kind::API_KEY) {
            let snapshot = catalog.snapshot();
            let keys = snapshot.documents(Kind::API_KEY);
            counted.keep(|id| keys.is_some_and(|keys| keys.contains_key(id)));
        }
    }));
    usage
}
