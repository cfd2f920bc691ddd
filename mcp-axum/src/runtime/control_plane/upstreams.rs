//! Which upstreams there are follows the catalog, and instances follow what upstreams offer.

use mcp_common::{
    catalog::{Applied, Catalog},
    definition::UpstreamDefinition,
    key::Kind,
};
use mcp_core::{
    protocol::Gateway,
    tool::{Bases, ToolCompiler},
    upstream::Hub,
};
use std::sync::Arc;

/// All upstreams of a catalog, of every kind.
pub(crate) fn definitions(catalog: &Catalog<ToolCompiler>) -> Vec<Arc<UpstreamDefinition>> {
    let snapshot = catalog.snapshot();
    let entries = snapshot
        .documents(Kind::UPSTREAM)
        .into_iter()
        .flat_map(|all| all.values());
    let definitions =
        entries.filter_map(|entry| entry.definition.clone().downcast::<UpstreamDefinition>().ok());
    definitions.collect()
}

/// Called before anything is loaded.
pub(super) fn follow(catalog: &Arc<Catalog<ToolCompiler>>, hub: &Arc<Hub>, bases: &Bases) {
    let (followed, hub, bases) = (Arc::downgrade(catalog), Arc::downgrade(hub), bases.clone());
    catalog.subscribe(Arc::new(move |applied| {
        let (Some(catalog), Some(hub)) = (followed.upgrade(), hub.upgrade()) else {
            return;
        };
        if !is_about_upstreams(applied) {
            return;
        }
        let definitions = definitions(&catalog);
        bases.define(definitions.iter().cloned());
        hub.define(definitions.into_iter());
        tell_of_waiting(&catalog, &bases);
    }));
}

fn is_about_upstreams(applied: &Applied) -> bool {
    applied.first_load || applied.others.iter().any(|key| key.kind == Kind::UPSTREAM)
}

/// Tools that are not shown, since there is nothing where they are called.
fn tell_of_waiting(catalog: &Catalog<ToolCompiler>, bases: &Bases) {
    for (tool, entry) in catalog.snapshot().tools.iter() {
        if let Some(upstream) = entry.compiled.upstream().filter(|upstream| !bases.has(upstream)) {
            let (tool, upstream) = (&**tool, &**upstream);
            tracing::warn!(
                tool,
                upstream,
                "a tool is not shown: there is no upstream of this id and with `protocol: http` that is switched on"
            );
        }
    }
}

/// Lets instances that show tools of an upstream be rendered anew when it offers something else.
pub(super) fn announce(catalog: &Arc<Catalog<ToolCompiler>>, hub: &Arc<Hub>, gateway: &Arc<Gateway>) {
    let (followed, following) = (Arc::downgrade(catalog), Arc::downgrade(gateway));
    hub.subscribe(Arc::new(move |upstream| {
        let (Some(catalog), Some(gateway)) = (followed.upgrade(), following.upgrade()) else {
            return;
        };
        let snapshot = catalog.snapshot();
        let instances = snapshot.instances.iter();
        let concerned = instances.filter(|(_, entry)| entry.definition.refers_to(upstream));
        gateway.changed(concerned.map(|(id, _)| id));
    }));
    let (followed, following) = (Arc::downgrade(catalog), Arc::downgrade(gateway));
    catalog.subscribe(Arc::new(move |applied| {
        let (Some(catalog), Some(gateway)) = (followed.upgrade(), following.upgrade()) else {
            return;
        };
        if !is_about_upstreams(applied) || applied.first_load {
            return;
        }
        let is_about = |upstream: &Arc<str>| {
            let mut others = applied.others.iter();
            others.any(|key| key.kind == Kind::UPSTREAM && key.id == *upstream)
        };
        let snapshot = catalog.snapshot();
        let concerned = snapshot.instances.iter().filter(|(_, entry)| {
            let mut tools = entry.selection.tools.iter();
            tools.any(|selected| selected.tool.compiled.upstream().is_some_and(is_about))
        });
        gateway.changed(concerned.map(|(id, _)| id));
    }));
}
