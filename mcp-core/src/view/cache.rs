//! Views by instance id, built when first asked for and dropped when the catalog says that they changed.

use super::{
    InstanceView, Inventories, ViewSettings,
    narrowed::{NarrowedViews, Seer, Sight},
};
use crate::{telemetry::Metrics, tool::ToolCompiler};
use mcp_common::{authenticator::Principal, catalog::Catalog};
use moka::sync::Cache;
use std::{collections::HashSet, sync::Arc};

/// Rendered instances that are kept at the most; others are rendered again when asked for.
const CAPACITY: u64 = 10_000;

/// The views of all instances.
pub struct Views {
    catalog: Arc<Catalog<ToolCompiler>>,
    cache: Cache<Arc<str>, Arc<InstanceView>>,
    narrowed: NarrowedViews,
    inventories: Arc<dyn Inventories>,
    settings: ViewSettings,
    metrics: Metrics,
}

impl Views {
    /// Views of the instances of one catalog, with what other servers offer.
    pub fn new(
        catalog: Arc<Catalog<ToolCompiler>>,
        inventories: Arc<dyn Inventories>,
        settings: ViewSettings,
        metrics: Metrics,
    ) -> Self {
        Self {
            catalog,
            inventories,
            cache: Cache::new(CAPACITY),
            narrowed: NarrowedViews::default(),
            settings,
            metrics,
        }
    }

    /// What compiles the tools of the views.
    pub(crate) fn compiler(&self) -> &ToolCompiler {
        self.catalog.compiler()
    }

    /// The instance's current view; `None` if there is no such instance or it is disabled.
    pub fn get(&self, instance: &str) -> Option<Arc<InstanceView>> {
        if let Some(view) = self.cache.get(instance) {
            return Some(view);
        }
        loop {
            let entry = self
                .catalog
                .snapshot()
                .instances
                .get(instance)
                .filter(|entry| entry.definition.enabled)
                .cloned()?;
            let id = entry.definition.id.clone();
            let build = || {
                Arc::new(InstanceView::build(
                    entry.clone(),
                    self.catalog.compiler(),
                    &*self.inventories,
                    Sight::default(),
                    &self.settings,
                    &self.metrics,
                ))
            };
            let view = self.cache.get_with(id.clone(), build);
            // A change may have invalidated this id while the view was being built from the snapshot before it;
            // the cache would then keep an old view. Whoever inserted it looks again.
            let current = self.catalog.snapshot().instances.get(instance).cloned();
            let is_current = |current: Arc<_>| {
                Arc::ptr_eq(&current, &view.entry)
                    && self.inventories.epoch(&current) == view.epoch
                    && self.catalog.compiler().bases().epoch() == view.bases_epoch
            };
            if current.is_some_and(is_current) {
                return Some(view);
            }
            self.cache.invalidate(&id);
        }
    }

    /// What of a view a caller sees.
    pub fn seen_by(&self, caller: &Principal, view: Arc<InstanceView>) -> Arc<InstanceView> {
        let instance = &view.entry.definition.id;
        let seer = Seer::of(caller, &view);
        if seer.sees_all() {
            return view;
        }
        let build = || {
            InstanceView::build(
                view.entry.clone(),
                self.catalog.compiler(),
                &*self.inventories,
                Sight {
                    rights: seer.rights.as_ref(),
                    caller: Some(caller),
                },
                &self.settings,
                &self.metrics,
            )
        };
        let seen = self.narrowed.of(&view, &seer, build);
        // What changed while it was built nobody has dropped it for.
        if self
            .cache
            .get(instance)
            .is_none_or(|now| !Arc::ptr_eq(&now, &view))
        {
            self.narrowed.drop_of(instance);
        }
        seen
    }

    /// Called after the catalog or an inventory changed, before anybody is told. Returns the view that was in use: while it is held,
    /// the next one takes over what is compiled already.
    pub(crate) fn invalidate(&self, instance: &str) -> Option<Arc<InstanceView>> {
        let narrowed = self.narrowed.drop_of(instance);
        let old = self.cache.remove(instance);
        self.forget_what_left(instance, old.iter().chain(&narrowed));
        drop(narrowed);
        if old.is_some() {
            // The cache would keep what is removed until somebody asks for something: compiled tools and their state with it.
            self.cache.run_pending_tasks();
        }
        old
    }

    /// Whatever has series says what is to be looked at: there need not be a view of the instance as it was.
    fn forget_what_left<'v>(&self, instance: &str, views: impl Iterator<Item = &'v Arc<InstanceView>>) {
        let mut views = views.peekable();
        if views.peek().is_none() && !self.metrics.has_any_of(instance) {
            return;
        }
        let snapshot = self.catalog.snapshot();
        let current = snapshot
            .instances
            .get(instance)
            .filter(|entry| entry.definition.enabled);
        let offered = current.map(|entry| self.inventories.offer(entry).tools);
        let offered = offered.unwrap_or_default();
        let selected = current.iter().flat_map(|entry| &*entry.selection.tools);
        let mut staying: HashSet<&str> = selected.map(|tool| &*tool.name).collect();
        staying.extend(offered.iter().map(|item| &*item.key));
        let stays = |name: &str| staying.contains(name);
        for view in views {
            let left = view.tools.iter().filter(|(name, _)| !stays(name));
            left.for_each(|(_, tool)| tool.metrics.leave());
        }
        self.metrics.keep(instance, stays);
    }
}
