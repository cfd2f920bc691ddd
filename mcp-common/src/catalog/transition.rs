//! From one snapshot to the next.

mod known;
mod load;
mod quarantine;
mod record;
mod secrets;
mod settling;

use super::{
    Applied, Compile, Drafts,
    circles::KnownCircles,
    entry::Version,
    quarantine::{Place, Quarantined},
    snapshot::Snapshot,
};
use crate::{
    datasource::{Batch, Change, Record},
    key::{Key, Kind},
};
use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    sync::Arc,
    time::SystemTime,
};

/// Collects changes; tools go in at once, instances are settled at the end, when all tools are known.
pub(super) struct Transition<'a, C: Compile> {
    compiler: &'a C,
    /// What there was.
    base: Arc<Snapshot<C::Tool>>,
    next: Snapshot<C::Tool>,
    /// Tools that were compiled before their records come.
    drafts: Drafts<C::Tool>,
    was_loaded: bool,
    /// Instances to settle.
    touched: BTreeSet<Arc<str>>,
    /// New documents of instances.
    incoming: BTreeMap<Arc<str>, Arc<Version>>,
    changed: BTreeSet<Arc<str>>,
    /// Definitions of other kinds that are new, changed or gone.
    others: BTreeSet<Key>,
    /// New versions of definitions that may name secrets.
    naming: BTreeSet<Key>,
    /// Places that went to the quarantine or have a new reason there.
    found: BTreeSet<Place>,
    at: SystemTime,
}

impl<'a, C: Compile> Transition<'a, C> {
    pub(super) fn new(compiler: &'a C, base: Arc<Snapshot<C::Tool>>) -> Self {
        Self {
            compiler,
            was_loaded: base.loaded,
            next: Snapshot::clone(&base),
            base,
            drafts: Drafts::default(),
            touched: BTreeSet::new(),
            incoming: BTreeMap::new(),
            changed: BTreeSet::new(),
            others: BTreeSet::new(),
            naming: BTreeSet::new(),
            found: BTreeSet::new(),
            at: SystemTime::now(),
        }
    }

    pub(super) fn with_drafts(self, drafts: Drafts<C::Tool>) -> Self {
        Self { drafts, ..self }
    }

    pub(super) fn apply(&mut self, batch: Batch) {
        // Puts wait for each other as long as their keys differ: together they are read faster.
        let mut puts: Vec<Record> = Vec::new();
        let mut waiting: HashSet<Key> = HashSet::new();
        for change in batch.changes {
            let is_independent = matches!(&change, Change::Put(record) if waiting.insert(record.key.clone()));
            if !is_independent {
                self.put_all(std::mem::take(&mut puts));
                waiting.clear();
            }
            match change {
                // A source may repeat itself after a reconnect; what is older than what is here says nothing new.
                Change::Put(record) if record.revision < self.known(&record.key) => {}
                Change::Delete { key, revision } if revision < self.known(&key) => {}
                Change::Put(record) => {
                    waiting.insert(record.key.clone());
                    puts.push(record);
                }
                Change::Delete { key, .. } => self.delete(&key),
                Change::Unreadable(unreadable) => self.unreadable(unreadable),
                Change::Readable { place, .. } => {
                    self.next.quarantine.remove(&Place::Elsewhere(place.into()));
                }
            }
        }
        self.put_all(puts);
        self.next.revision = self.next.revision.max(batch.revision);
    }

    /// What is here counts as loaded.
    pub(super) fn serve(&mut self) {
        self.next.loaded = true;
    }

    /// The next snapshot, what changed, and what went to the quarantine.
    pub(super) fn finish(mut self) -> (Snapshot<C::Tool>, Applied, Vec<Arc<Quarantined>>) {
        self.look_after_secrets();
        for id in std::mem::take(&mut self.touched) {
            self.settle(id);
        }
        let found = self
            .found
            .iter()
            .filter_map(|place| self.next.quarantine.get(place).cloned())
            .collect();
        if self.others.iter().any(|key| key.kind == Kind::ROLE) {
            self.next.circles = KnownCircles::default();
        }
        let first_load = self.next.loaded && !self.was_loaded;
        let applied = Applied {
            revision: self.next.revision,
            instances: self.changed,
            others: self.others,
            first_load,
        };
        (self.next, applied, found)
    }
}
