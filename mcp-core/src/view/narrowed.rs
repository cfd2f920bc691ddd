//! Views that show less than their instance: for callers whose key shows only some of it. What is not in the view can be
//! neither listed nor called, since both read the same view.

use super::{InstanceView, Item, Offer, Unlisted};
use crate::tool::StoredTool;
use mcp_common::{
    authenticator::Narrowing,
    catalog::{InstanceEntry, Selected},
};
use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Views of one instance that are kept at the most: each holds tools, and most keys are narrowed alike.
const MOST: usize = 256;

/// By instance, then by what is left of it.
type ByInstance = HashMap<Arc<str>, HashMap<Arc<Narrowing>, Arc<InstanceView>>>;

/// The narrowed views of all instances.
#[derive(Default)]
pub(super) struct NarrowedViews(Mutex<ByInstance>);

impl NarrowedViews {
    /// The narrowed view of what `whole` is the view of, built by `build` where there is none of its age.
    pub(super) fn of(
        &self,
        whole: &InstanceView,
        narrowing: &Arc<Narrowing>,
        build: impl FnOnce() -> InstanceView,
    ) -> Arc<InstanceView> {
        let instance = &whole.entry.definition.id;
        let known = self
            .lock()
            .get(instance)
            .and_then(|views| views.get(narrowing).cloned());
        if let Some(known) = known.filter(|known| known.is_as_old_as(whole)) {
            return known;
        }
        let mut view = build();
        // It is as old as what it is made of. The epoch is that of all inventories: another instance's may be a later one.
        view.epoch = whole.epoch;
        let view = Arc::new(view);
        let mut all = self.lock();
        let views = all.entry(instance.clone()).or_default();
        if views.len() >= MOST {
            views.clear();
        }
        views.insert(narrowing.clone(), view.clone());
        view
    }

    /// Called after the instance changed.
    pub(super) fn drop_of(&self, instance: &str) {
        let dropped = self.lock().remove(instance);
        // Outside of the lock: what they hold goes with them.
        drop(dropped);
    }

    fn lock(&self) -> MutexGuard<'_, ByInstance> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl InstanceView {
    fn is_as_old_as(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.entry, &other.entry) && self.epoch == other.epoch
    }
}

/// What of a view is shown; all of it without a narrowing.
#[derive(Clone, Copy)]
pub(super) struct Sight<'a>(pub(super) Option<&'a Arc<Narrowing>>);

impl Sight<'_> {
    /// Whether a tool of a definition is shown.
    pub(super) fn shows(self, selected: &Selected<StoredTool>) -> bool {
        let Self(Some(narrowing)) = self else { return true };
        narrowing.shows_tool(&selected.name, &selected.tool.tags)
    }

    /// What is left of an offer.
    pub(super) fn narrow(self, offer: &mut Offer, entry: &InstanceEntry<StoredTool>) {
        let Self(Some(narrowing)) = self else { return };
        // A name that a tool of a definition has is that tool's, whether it is shown or not.
        let taken: HashSet<&str> = entry.selection.tools.iter().map(|tool| &*tool.name).collect();
        let shows_tool = |item: &Item| narrowing.shows_tool(&item.key, &[]) && !taken.contains(&*item.key);
        offer.tools.retain(shows_tool);
        if let Some(resources) = &mut offer.resources {
            resources
                .resources
                .retain(|item| narrowing.shows_resource(&item.key));
            resources
                .templates
                .retain(|item| narrowing.shows_resource(&item.key));
            resources.unlisted = resources.unlisted.take().map(|unlisted| -> Unlisted {
                let narrowing = narrowing.clone();
                Arc::new(move |uri| unlisted(uri).filter(|_| narrowing.shows_resource(uri)))
            });
        }
        if let Some(prompts) = &mut offer.prompts {
            prompts.retain(|item| narrowing.shows_prompt(&item.key));
        }
    }
}
