//! From one snapshot to the next.

use super::{
    Applied, Compile,
    entry::{InstanceEntry, ToolEntry, Version},
    index::References,
    quarantine::{Cause, Place, Quarantined},
    read::{self, Rejected},
    settle::settle,
    snapshot::Snapshot,
};
use crate::{
    datasource::{Batch, Change, Load, Record, Unreadable},
    key::{Key, Kind, Revision},
};
use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    sync::Arc,
    time::SystemTime,
};

/// Collects changes; tools go in at once, instances are settled at the end, when all tools are known.
pub(super) struct Transition<'a, C: Compile> {
    compiler: &'a C,
    next: Snapshot<C::Tool>,
    was_loaded: bool,
    /// Instances to settle.
    touched: BTreeSet<Arc<str>>,
    /// New documents of instances.
    incoming: BTreeMap<Arc<str>, Arc<Version>>,
    changed: BTreeSet<Arc<str>>,
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
            touched: BTreeSet::new(),
            incoming: BTreeMap::new(),
            changed: BTreeSet::new(),
            found: BTreeSet::new(),
            at: SystemTime::now(),
        }
    }

    pub(super) fn apply(&mut self, batch: Batch) {
        for change in batch.changes {
            match change {
                // A source may repeat itself after a reconnect; what is older than what is here says nothing new.
                Change::Put(record) if record.revision >= self.known(&record.key) => self.put(record),
                Change::Delete { key, revision } if revision >= self.known(&key) => self.delete(&key),
                Change::Unreadable(unreadable) => self.unreadable(unreadable),
                Change::Put(_) | Change::Delete { .. } => {}
            }
        }
        self.next.revision = self.next.revision.max(batch.revision);
    }

    pub(super) fn replace(&mut self, load: Load) {
        let stored: HashSet<&Key> = load.records.iter().map(|record| &record.key).collect();
        let tools = self.next.tools.keys().cloned().map(Key::tool);
        let instances = self.next.instances.keys().cloned().map(Key::instance);
        let quarantined = self.next.quarantine.keys().filter_map(|place| match place {
            Place::Definition(key) => Some(key.clone()),
            Place::Elsewhere(_) => None,
        });
        let known = tools.chain(instances).chain(quarantined);
        let gone: BTreeSet<Key> = known.filter(|key| !stored.contains(key)).collect();
        let unreadable: HashSet<&str> = load
            .unreadable
            .iter()
            .map(|unreadable| &*unreadable.place)
            .collect();
        let readable_now = self
            .next
            .quarantine
            .keys()
            .filter(|place| matches!(place, Place::Elsewhere(place) if !unreadable.contains(&**place)));
        for place in readable_now.cloned().collect::<Vec<_>>() {
            self.next.quarantine.remove(&place);
        }
        for key in gone {
            self.delete(&key);
        }
        for record in load.records {
            if !self.is_live(&record) {
                self.put(record);
            }
        }
        for unreadable in load.unreadable {
            self.unreadable(unreadable);
        }
        self.next.revision = load.revision;
        self.next.loaded = true;
    }

    /// The next snapshot, what changed, and what went to the quarantine.
    pub(super) fn finish(mut self) -> (Snapshot<C::Tool>, Applied, Vec<Arc<Quarantined>>) {
        for id in std::mem::take(&mut self.touched) {
            self.settle(id);
        }
        let found = self
            .found
            .iter()
            .filter_map(|place| self.next.quarantine.get(place).cloned())
            .collect();
        let first_load = self.next.loaded && !self.was_loaded;
        let applied = Applied {
            revision: self.next.revision,
            instances: self.changed,
            first_load,
        };
        (self.next, applied, found)
    }

    pub(super) fn put(&mut self, record: Record) {
        let key = record.key.clone();
        let rejected = match key.kind {
            Kind::Tool => {
                let known = self.next.tools.get(&key.id).cloned();
                read::tool(self.compiler, &record, known.as_deref())
                    .map(|entry| self.tool(entry, known.as_deref()))
            }
            Kind::Instance => {
                let known = self.next.instances.get(&key.id).map(|entry| &entry.document);
                read::instance(&record, known).map(|version| {
                    self.incoming.insert(key.id.clone(), Arc::new(version));
                    self.touched.insert(key.id.clone());
                })
            }
        };
        match rejected {
            Ok(()) => self.clear(&key),
            Err(rejected) => self.reject(key, record.revision, rejected),
        }
    }

    fn tool(&mut self, entry: ToolEntry<C::Tool>, known: Option<&ToolEntry<C::Tool>>) {
        self.touch(&entry.id);
        for tag in known.iter().flat_map(|known| &known.tags) {
            self.next.index.tagged.remove(tag.clone(), entry.id.clone());
        }
        for tag in &entry.tags {
            self.next.index.tagged.insert(tag.clone(), entry.id.clone());
        }
        let id = entry.id.clone();
        self.next.tools.insert(id.clone(), Arc::new(entry));
        self.touch(&id);
    }

    fn delete(&mut self, key: &Key) {
        self.clear(key);
        match key.kind {
            Kind::Tool => {
                self.touch(&key.id);
                if let Some(entry) = self.next.tools.remove(&key.id) {
                    for tag in &entry.tags {
                        self.next.index.tagged.remove(tag.clone(), key.id.clone());
                    }
                }
            }
            Kind::Instance => {
                self.incoming.remove(&key.id);
                if let Some(entry) = self.next.instances.remove(&key.id) {
                    self.next
                        .index
                        .refer(&key.id, &entry.references(), &References::default());
                    self.changed.insert(key.id.clone());
                }
            }
        }
    }

    /// The instances that this tool can touch are to be settled.
    fn touch(&mut self, tool: &str) {
        self.touched.extend(self.next.instances_of(tool));
        // Documents of the same batch are not in the index yet, but they are touched themselves.
    }

    fn reject(&mut self, key: Key, revision: Revision, rejected: Rejected) {
        let live = match key.kind {
            Kind::Tool => self.next.tools.get(&key.id).map(|entry| entry.revision),
            Kind::Instance => {
                // An earlier document of this batch that was good is settled first, so that it is what stays live.
                if self.incoming.contains_key(&key.id) {
                    self.settle(key.id.clone());
                }
                self.drop_newer(&key.id);
                self.next.instances.get(&key.id).map(|entry| entry.revision)
            }
        };
        self.quarantine(Quarantined {
            place: Place::Definition(key),
            revision,
            cause: Cause::Document,
            reason: rejected.problems.to_string(),
            at: self.at,
            serving_revision: live,
            document: rejected.document,
            problems: rejected.problems.0,
        });
    }

    /// A document that waits for a clash to end is superseded by a later one, even by a bad one.
    fn drop_newer(&mut self, id: &Arc<str>) {
        let Some(entry) = self
            .next
            .instances
            .get(id)
            .filter(|entry| entry.newer.is_some())
            .cloned()
        else {
            return;
        };
        self.incoming.insert(id.clone(), entry.version.clone());
        self.touched.insert(id.clone());
    }

    fn unreadable(&mut self, unreadable: Unreadable) {
        self.quarantine(Quarantined {
            place: Place::Elsewhere(unreadable.place.into()),
            revision: unreadable.revision,
            cause: Cause::Unreadable,
            reason: unreadable.reason,
            at: self.at,
            serving_revision: None,
            document: None,
            problems: Vec::new(),
        });
    }

    fn quarantine(&mut self, entry: Quarantined) {
        let known = self.next.quarantine.get(&entry.place);
        if known.is_some_and(|known| known.is_same(&entry)) {
            return;
        }
        self.found.insert(entry.place.clone());
        self.next.quarantine.insert(entry.place.clone(), Arc::new(entry));
    }

    fn clear(&mut self, key: &Key) {
        self.next.quarantine.remove(&Place::Definition(key.clone()));
    }

    fn settle(&mut self, id: Arc<str>) {
        let live = self.next.instances.get(&id).cloned();
        let waiting = live
            .as_ref()
            .map(|live| live.newer.as_ref().unwrap_or(&live.version).clone());
        let Some(newest) = self.incoming.remove(&id).or(waiting) else {
            return;
        };
        let settled = settle(&self.next, newest, live.as_deref(), self.at);
        let key = Key::instance(id.clone());
        let bad_document = self
            .next
            .quarantined(&key)
            .is_some_and(|entry| entry.cause == Cause::Document);
        match settled.clash {
            // The newest document is a bad one; that is said already, and its repair settles the instance again.
            _ if bad_document => {}
            Some(clash) => self.quarantine(clash),
            None => self.clear(&key),
        }
        self.go_live(id, settled.entry, live.as_deref());
    }

    fn go_live(
        &mut self,
        id: Arc<str>,
        mut entry: InstanceEntry<C::Tool>,
        live: Option<&InstanceEntry<C::Tool>>,
    ) {
        if let Some(live) = live {
            let same_version = Arc::ptr_eq(&live.version, &entry.version);
            let same_selection = live.selection.is_same(&entry.selection);
            if same_selection {
                entry.selection = live.selection.clone();
            }
            let same_newer = live.newer.as_ref().map(Arc::as_ptr) == entry.newer.as_ref().map(Arc::as_ptr);
            let same = same_version && same_selection && same_newer;
            if same && live.standing == entry.standing && live.warnings == entry.warnings {
                return;
            }
            if !same_version || !same_selection {
                self.changed.insert(id.clone());
            }
        } else {
            self.changed.insert(id.clone());
        }
        let old = live.map(InstanceEntry::references).unwrap_or_default();
        self.next.index.refer(&id, &old, &entry.references());
        self.next.instances.insert(id, Arc::new(entry));
    }

    /// The newest revision of the key that the catalog has seen.
    fn known(&self, key: &Key) -> Revision {
        let quarantined = self
            .next
            .quarantined(key)
            .filter(|entry| entry.cause == Cause::Document);
        let incoming = match key.kind {
            Kind::Tool => self.next.tools.get(&key.id).map(|entry| entry.revision),
            Kind::Instance => {
                let live = self.next.instances.get(&key.id);
                let live = live.map(|entry| entry.newer.as_ref().unwrap_or(&entry.version).revision);
                live.max(self.incoming.get(&key.id).map(|version| version.revision))
            }
        };
        incoming.max(quarantined.map(|entry| entry.revision)).unwrap_or(0)
    }

    /// Whether exactly this record is what is served, with nothing newer waiting.
    fn is_live(&self, record: &Record) -> bool {
        let is_newest = |revision: Revision, text: &crate::document::Document| {
            revision == record.revision && text.is_text(&record.body)
        };
        let quarantined = self.next.quarantined(&record.key);
        if quarantined.is_some_and(|entry| entry.cause == Cause::Document) {
            return false;
        }
        match record.key.kind {
            Kind::Tool => self
                .next
                .tools
                .get(&record.key.id)
                .is_some_and(|entry| is_newest(entry.revision, &entry.document)),
            Kind::Instance => self.next.instances.get(&record.key.id).is_some_and(|entry| {
                let newest = entry.newer.as_ref().unwrap_or(&entry.version);
                is_newest(newest.revision, &newest.document)
            }),
        }
    }
}
