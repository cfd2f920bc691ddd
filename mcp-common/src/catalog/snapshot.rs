//! All definitions at one revision, immutable.

use super::{
    circles::KnownCircles,
    collection::{Collection, DocumentEntry, Entries},
    entry::{InstanceEntry, ToolEntry},
    index::Index,
    quarantine::{Cause, Place, Quarantined},
};
use crate::key::{Key, Kind, Revision};
use imbl::OrdMap;
use std::{collections::BTreeSet, fmt, sync::Arc};

/// The catalog at one revision. A clone shares everything, and so does the snapshot after a change, except for what
/// the change touched.
pub struct Snapshot<T> {
    /// The revision up to which everything is in.
    pub revision: Revision,
    /// Live tools by id, disabled ones included.
    pub tools: Collection<ToolEntry<T>>,
    /// Live instances by id, disabled ones included.
    pub instances: Collection<InstanceEntry<T>>,
    /// Live definitions of all other kinds.
    pub(super) others: OrdMap<Kind, Collection<DocumentEntry>>,
    /// What cannot be used as it is stored.
    pub quarantine: OrdMap<Place, Arc<Quarantined>>,
    pub(super) loaded: bool,
    pub(super) index: Index,
    pub(super) circles: KnownCircles,
}

impl<T> Snapshot<T> {
    /// The live definitions of a kind other than tools and instances; `None` where there never was one.
    pub fn documents(&self, kind: Kind) -> Option<&Collection<DocumentEntry>> {
        self.others.get(&kind)
    }

    /// The key's entry in quarantine.
    pub fn quarantined(&self, key: &Key) -> Option<&Arc<Quarantined>> {
        self.quarantine.get(&Place::Definition(key.clone()))
    }

    /// Where something stands in quarantine that names no definition.
    pub(crate) fn elsewhere(&self) -> impl Iterator<Item = &Arc<str>> {
        // All of them come after the definitions, of which there may be many.
        let places = self.quarantine.range(Place::Elsewhere("".into())..);
        places.filter_map(|(place, _)| match place {
            Place::Elsewhere(place) => Some(place),
            Place::Definition(_) => None,
        })
    }

    /// Instances that a change of this tool can touch: they name it in `tool_ids` or include one of its tags.
    pub fn instances_of(&self, tool: &str) -> BTreeSet<Arc<str>> {
        let mut instances: BTreeSet<_> = self.index.naming.of(tool).cloned().collect();
        for tag in self.tools.get(tool).iter().flat_map(|entry| &entry.tags) {
            instances.extend(self.index.including.of(tag).cloned());
        }
        instances
    }
}

impl<T> Snapshot<T> {
    /// The live definitions of a kind; `None` where there never was one.
    pub fn entries(&self, kind: Kind) -> Option<&dyn Entries> {
        if kind == Kind::TOOL {
            Some(&self.tools)
        } else if kind == Kind::INSTANCE {
            Some(&self.instances)
        } else {
            self.others.get(&kind).map(|others| -> &dyn Entries { others })
        }
    }

    /// The kinds that have live definitions.
    pub(super) fn kinds(&self) -> impl Iterator<Item = Kind> + use<'_, T> {
        [Kind::TOOL, Kind::INSTANCE]
            .into_iter()
            .chain(self.others.keys().copied())
    }

    /// The keys of all live definitions.
    pub(super) fn keys(&self) -> impl Iterator<Item = Key> + use<'_, T> {
        self.kinds().flat_map(|kind| {
            let ids = self
                .entries(kind)
                .into_iter()
                .flat_map(|entries| entries.ids_after(None));
            ids.map(move |id| Key { kind, id: id.clone() })
        })
    }

    /// The revision of what is stored under the key, as far as this catalog has seen it: what is served, or what came
    /// later and waits or is bad. `None` for nothing.
    pub fn stored_revision(&self, key: &Key) -> Option<Revision> {
        // What makes its tools clash may be younger than the instance.
        let bad = self
            .quarantined(key)
            .filter(|entry| entry.cause == Cause::Document);
        let live = self.entries(key.kind).and_then(|entries| entries.entry(&key.id));
        let live = live.map(|entry| entry.newest().revision);
        live.max(bad.map(|entry| entry.revision))
    }
}

// Derived impls would ask the same of `T`, which is only ever behind an `Arc`.
impl<T> Default for Snapshot<T> {
    fn default() -> Self {
        Self {
            revision: 0,
            tools: Collection::default(),
            instances: Collection::default(),
            others: OrdMap::new(),
            quarantine: OrdMap::new(),
            loaded: false,
            index: Index::default(),
            circles: KnownCircles::default(),
        }
    }
}

impl<T> Clone for Snapshot<T> {
    fn clone(&self) -> Self {
        Self {
            revision: self.revision,
            tools: self.tools.clone(),
            instances: self.instances.clone(),
            others: self.others.clone(),
            quarantine: self.quarantine.clone(),
            loaded: self.loaded,
            index: self.index.clone(),
            circles: self.circles.clone(),
        }
    }
}

impl<T> fmt::Debug for Snapshot<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Snapshot")
            .field("revision", &self.revision)
            .field("tools", &self.tools.len())
            .field("instances", &self.instances.len())
            .field("others", &self.others)
            .field("quarantine", &self.quarantine.len())
            .finish_non_exhaustive()
    }
}
