//! Which upstreams there are follows the catalog, and instances follow what upstreams offer.

use mcp_common::{
    catalog::{Applied, Catalog},
    definition::UpstreamDefinition,
    discovery::Board,
    key::{Key, Kind},
};
use mcp_core::{
    protocol::Gateway,
    tool::{Bases, ToolCompiler},
    upstream::Hub,
};
use std::sync::{Arc, Mutex, PoisonError, Weak};

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
pub(super) fn follow(
    catalog: &Arc<Catalog<ToolCompiler>>,
    hub: &Arc<Hub>,
    bases: &Bases,
    board: &Arc<Board>,
) {
    let joint = Arc::new(Joint {
        catalog: Arc::downgrade(catalog),
        hub: Arc::downgrade(hub),
        bases: bases.clone(),
        board: Arc::downgrade(board),
        turn: Mutex::new(()),
    });
    let found = joint.clone();
    catalog.subscribe(Arc::new(move |applied| {
        if is_about_upstreams(applied) {
            joint.define();
            joint.tell_of_waiting();
        }
    }));
    board.subscribe(Arc::new(move |_| found.define()));
}

/// Where what is stored and what is found meet.
struct Joint {
    catalog: Weak<Catalog<ToolCompiler>>,
    hub: Weak<Hub>,
    bases: Bases,
    board: Weak<Board>,
    /// One at a time: what is older must not be defined after what is newer.
    turn: Mutex<()>,
}

impl Joint {
    fn define(&self) {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let (Some(catalog), Some(hub), Some(board)) =
            (self.catalog.upgrade(), self.hub.upgrade(), self.board.upgrade())
        else {
            return;
        };
        // Before that nobody knows whose an id is.
        if !catalog.loaded() {
            return;
        }
        let snapshot = catalog.snapshot();
        let is_stored = |id: &str| snapshot.stored_revision(&Key::upstream(id)).is_some();
        let definitions = board.join(definitions(&catalog), is_stored);
        self.bases.define(definitions.iter().cloned());
        // What is in quarantine comes back, and with it its login.
        hub.define_of(definitions.into_iter(), &is_stored);
    }

    /// Tools that are not shown, since there is nothing where they are called: said when documents change. What is found comes and goes, and says so itself.
    fn tell_of_waiting(&self) {
        let catalog = self.catalog.upgrade().filter(|catalog| catalog.loaded());
        let Some(catalog) = catalog else { return };
        for (tool, entry) in catalog.snapshot().tools.iter() {
            let upstream = entry.compiled.upstream();
            if let Some(upstream) = upstream.filter(|upstream| !self.bases.has(upstream)) {
                let (tool, upstream) = (&**tool, &**upstream);
                tracing::warn!(
                    tool,
                    upstream,
                    "a tool is not shown: there is no upstream of this id and with `protocol: http` that is switched on"
                );
            }
        }
    }
}

fn is_about_upstreams(applied: &Applied) -> bool {
    applied.first_load || applied.others.iter().any(|key| key.kind == Kind::UPSTREAM)
}

/// Lets instances that show tools of an upstream be rendered anew when it offers something else.
pub(super) fn announce(
    catalog: &Arc<Catalog<ToolCompiler>>,
    hub: &Arc<Hub>,
    gateway: &Arc<Gateway>,
    board: &Arc<Board>,
) {
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
        tell_callers(&catalog, &gateway, is_about);
    }));
    let (followed, following) = (Arc::downgrade(catalog), Arc::downgrade(gateway));
    board.subscribe(Arc::new(move |changed| {
        if let (Some(catalog), Some(gateway)) = (followed.upgrade(), following.upgrade()) {
            tell_callers(&catalog, &gateway, |upstream| changed.contains(upstream));
        }
    }));
}

/// Renders instances anew that have tools with definitions which are called at these upstreams.
fn tell_callers(catalog: &Catalog<ToolCompiler>, gateway: &Gateway, is_about: impl Fn(&Arc<str>) -> bool) {
    let snapshot = catalog.snapshot();
    let concerned = snapshot.instances.iter().filter(|(_, entry)| {
        let mut tools = entry.selection.tools.iter();
        tools.any(|selected| selected.tool.compiled.upstream().is_some_and(&is_about))
    });
    gateway.changed(concerned.map(|(id, _)| id));
}
