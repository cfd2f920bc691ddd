//! Which upstreams there are follows the catalog, and instances follow what upstreams offer.

use mcp_common::{catalog::Catalog, definition::UpstreamDefinition, key::Kind};
use mcp_core::{protocol::Gateway, tool::ToolCompiler, upstream::Hub};
use std::sync::Arc;

/// Called before anything is loaded.
pub(super) fn follow(catalog: &Arc<Catalog<ToolCompiler>>, hub: &Arc<Hub>) {
    let (followed, hub) = (Arc::downgrade(catalog), Arc::downgrade(hub));
    catalog.subscribe(Arc::new(move |applied| {
        let is_about = applied.others.iter().any(|key| key.kind == Kind::UPSTREAM);
        let (Some(catalog), Some(hub)) = (followed.upgrade(), hub.upgrade()) else {
            return;
        };
        if !is_about && !applied.first_load {
            return;
        }
        let snapshot = catalog.snapshot();
        let entries = snapshot
            .documents(Kind::UPSTREAM)
            .into_iter()
            .flat_map(|all| all.values());
        hub.define(
            entries.filter_map(|entry| entry.definition.clone().downcast::<UpstreamDefinition>().ok()),
        );
    }));
}

/// Lets instances that show tools of an upstream be rendered anew when it offers something else.
pub(super) fn announce(catalog: &Arc<Catalog<ToolCompiler>>, hub: &Arc<Hub>, gateway: &Arc<Gateway>) {
    let (catalog, gateway) = (Arc::downgrade(catalog), Arc::downgrade(gateway));
    hub.subscribe(Arc::new(move |upstream| {
        let (Some(catalog), Some(gateway)) = (catalog.upgrade(), gateway.upgrade()) else {
            return;
        };
        let snapshot = catalog.snapshot();
        let instances = snapshot.instances.iter();
        let concerned = instances.filter(|(_, entry)| entry.definition.refers_to(upstream));
        gateway.changed(concerned.map(|(id, _)| id));
    }));
}
