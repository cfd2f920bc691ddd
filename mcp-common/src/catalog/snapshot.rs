//! All definitions at one revision, immutable.

use super::{
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
    /// Everything up to here is in.
    pub revision: Revision,
    /// Live tools by id, disabled ones included.
    pub tools: OrdMap<Arc<str>, Arc<ToolEntry<T>>>,
    /// Live instances by id, disabled ones included.
    pub instances: OrdMap<Arc<str>, Arc<InstanceEntry<T>>>,
    /// What cannot be used as it is stored.
    pub quarantine: OrdMap<Place, Arc<Quarantined>>,
    pub(super) loaded: bool,
    pub(super) index: Index,
}

impl<T> Snapshot<T> {
    /// The key's entry in quarantine.
    pub fn quarantined(&self, key: &Key) -> Option<&Arc<Quarantined>> {
        self.quarantine.get(&Place::Definition(key.clone()))
    }

    /// Of what is stored under the key, as far as this catalog has seen it: what is served, or what came later and waits
    /// or is bad. `None` for nothing.
    pub fn stored_revision(&self, key: &Key) -> Option<Revision> {
        // What makes its tools clash may be younger than the instance.
        let bad = self
            .quarantined(key)
            .filter(|entry| entry.cause == Cause::Document);
        let live = match key.kind {
            Kind::Tool => self.tools.get(&key.id).map(|entry| entry.revision),
            Kind::Instance => {
                let live = self.instances.get(&key.id);
                live.map(|entry| entry.newer.as_ref().unwrap_or(&entry.version).revision)
            }
        };
        live.max(bad.map(|entry| entry.revision))
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

// Derived impls would ask the same of `T`, which is only ever behind an `Arc`.
impl<T> Default for Snapshot<T> {
    fn default() -> Self {
        Self {
            revision: 0,
            tools: OrdMap::new(),
            instances: OrdMap::new(),
            quarantine: OrdMap::new(),
            loaded: false,
            index: Index::default(),
        }
    }
}

impl<T> Clone for Snapshot<T> {
    fn clone(&self) -> Self {
        Self {
            revision: self.revision,
            tools: self.tools.clone(),
            instances: self.instances.clone(),
            quarantine: self.quarantine.clone(),
            loaded: self.loaded,
            index: self.index.clone(),
        }
    }
}

impl<T> fmt::Debug for Snapshot<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Snapshot")
            .field("revision", &self.revision)
            .field("tools", &self.tools.len())
            .field("instances", &self.instances.len())
            .field("quarantine", &self.quarantine.len())
            .finish_non_exhaustive()
    }
}
