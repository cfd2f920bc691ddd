//! Views that show less than their instance: for callers whose key or roles show only some of it. What is not in the view can be
//! neither listed nor called, since both read the same view.

use super::{InstanceView, Item, Offer, Unlisted};
use crate::tool::StoredTool;
use mcp_common::{
    authenticator::{Principal, Rights},
    catalog::{InstanceEntry, Selected},
    definition::{Access, role::Thing},
};
use percent_encoding::percent_decode_str;
use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Views of one instance that are kept at the most: each holds tools, and most keys are narrowed alike.
const MOST: usize = 256;

/// By instance, then by whose it is.
type ByInstance = HashMap<Arc<str>, HashMap<Seer, Arc<InstanceView>>>;

/// Those who see the same of an instance.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Seer {
    /// Where they hide something.
    pub(super) rights: Option<Arc<Rights>>,
    /// Which of the view's `for_whom` are met.
    met: Box<[bool]>,
}

impl Seer {
    pub(super) fn of(caller: &Principal, view: &InstanceView) -> Self {
        let narrows = |rights: &&Arc<Rights>| rights.narrows(&view.entry.definition.id);
        let for_whom = view.for_whom.iter();
        Self {
            rights: caller.rights().filter(narrows).cloned(),
            met: for_whom.map(|access| access.met_by(caller).is_ok()).collect(),
        }
    }

    pub(super) fn sees_all(&self) -> bool {
        self.rights.is_none() && self.met.iter().all(|is_met| *is_met)
    }
}

/// What the tools of an instance say about callers, each of it once.
pub(super) fn for_whom(entry: &InstanceEntry<StoredTool>) -> Box<[Arc<Access>]> {
    let mut all: Vec<Arc<Access>> = Vec::new();
    let tools = entry.selection.tools.iter();
    for access in tools.filter_map(|selected| selected.tool.access.as_ref()) {
        if access.is_about_callers() && !all.contains(access) {
            all.push(access.clone());
        }
    }
    all.into()
}

/// The narrowed views of all instances.
#[derive(Default)]
pub(super) struct NarrowedViews(Mutex<ByInstance>);

impl NarrowedViews {
    /// What somebody like this sees of what `whole` is the view of, built by `build` where there is none of its age.
    pub(super) fn of(
        &self,
        whole: &InstanceView,
        seer: &Seer,
        build: impl FnOnce() -> InstanceView,
    ) -> Arc<InstanceView> {
        let instance = &whole.entry.definition.id;
        let known = self
            .lock()
            .get(instance)
            .and_then(|views| views.get(seer).cloned());
        if let Some(known) = known.filter(|known| known.is_as_old_as(whole)) {
            return known;
        }
        let mut view = build();
        // It is as old as what it is made of. The epoch is that of all inventories: another instance's may be a later one.
        view.epoch = whole.epoch;
        let view = Arc::new(view);
        let dropped = {
            let mut all = self.lock();
            let views = all.entry(instance.clone()).or_default();
            let too_many = match views.len() >= MOST {
                true => std::mem::take(views),
                false => HashMap::new(),
            };
            (too_many, views.insert(seer.clone(), view.clone()))
        };
        // Outside of the lock: what they hold goes with them.
        drop(dropped);
        view
    }

    /// Called after the instance changed. Returns what there was: what it holds goes with it, outside of the lock.
    pub(super) fn drop_of(&self, instance: &str) -> Vec<Arc<InstanceView>> {
        let dropped = self.lock().remove(instance);
        dropped.into_iter().flat_map(HashMap::into_values).collect()
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

/// What of a view is shown; all of it by default.
#[derive(Clone, Copy, Default)]
pub struct Sight<'a> {
    /// Those of the caller, where they hide something.
    pub(super) rights: Option<&'a Arc<Rights>>,
    /// Whoever looks.
    pub(super) caller: Option<&'a Principal>,
}

impl Sight<'_> {
    /// Whether a tool of a definition is shown.
    pub(super) fn shows(self, instance: &str, selected: &Selected<StoredTool>) -> bool {
        let thing = Thing::Tool(&selected.name, &selected.tool.tags);
        let meets = |access: &Arc<Access>| self.caller.is_none_or(|caller| access.met_by(caller).is_ok());
        self.rights.is_none_or(|rights| rights.shows(instance, thing))
            && selected.tool.access.as_ref().is_none_or(meets)
    }

    /// What is left of an offer.
    pub(super) fn narrow(self, offer: &mut Offer, entry: &InstanceEntry<StoredTool>) {
        // A name that a tool of a definition has is that tool's, whether it is shown or not.
        let taken: HashSet<&str> = entry.selection.tools.iter().map(|tool| &*tool.name).collect();
        offer
            .tools
            .retain(|item| self.caller.is_none() || !taken.contains(&*item.key));
        let Some(rights) = self.rights else { return };
        let instance = entry.definition.id.clone();
        let shows = |thing: Thing<'_>| rights.shows(&instance, thing);
        let shows_tool = |item: &Item| shows(Thing::Tool(&item.key, &[]));
        offer.tools.retain(shows_tool);
        if let Some(resources) = &mut offer.resources {
            let shows_resource = |item: &Item| shows(Thing::Resource(&item.key));
            resources.resources.retain(shows_resource);
            resources.templates.retain(shows_resource);
            resources.unlisted = resources.unlisted.take().map(|unlisted| -> Unlisted {
                let (rights, instance) = (rights.clone(), instance.clone());
                Arc::new(move |uri| unlisted(uri).filter(|_| may_be_read(&rights, &instance, uri)))
            });
        }
        if let Some(prompts) = &mut offer.prompts {
            prompts.retain(|item| shows(Thing::Prompt(&item.key)));
        }
    }
}

/// Whether somebody may read a resource that nobody listed, as it is written and as a server may read that.
fn may_be_read(rights: &Rights, instance: &str, uri: &str) -> bool {
    let decoded = percent_decode_str(uri).decode_utf8();
    let is_shown = |uri: &str| is_plain(uri) && rights.shows(instance, Thing::Resource(uri));
    is_shown(uri) && decoded.is_ok_and(|decoded| is_shown(&decoded))
}

/// Whether a URI stays the one that was compared, whatever its server takes out of it: steps upwards, and what is written in other ways.
fn is_plain(uri: &str) -> bool {
    let lower = uri.to_ascii_lowercase();
    !uri.contains(|c: char| c.is_control() || c == '\\')
        && !["%2e", "%2f", "%5c", "%25"]
            .iter()
            .any(|text| lower.contains(text))
        && !uri.split(['/', '?', '#']).any(|step| matches!(step, "." | ".."))
}

#[cfg(test)]
mod tests {
    use super::is_plain;

    #[test]
    fn what_becomes_another_uri_is_not_plain() {
        for plain in ["docs://a/b.md", "file:///pub/..a", "ui://x?y=1#z", "a:b%20c"] {
            assert!(is_plain(plain), "{plain}");
        }
        for other in [
            "file:///pub/../etc/passwd",
            "file:///pub/%2E%2e/etc",
            "file:///pub%2fa",
            "file:///pub/%252e/",
            "file:///pub\\a",
            "file:///a/./b",
            "a:b\n",
        ] {
            assert!(!is_plain(other), "{other}");
        }
    }
}
