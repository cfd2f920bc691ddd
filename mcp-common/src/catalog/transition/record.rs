//! One stored record comes in, or goes.

use super::Transition;
use crate::{
    catalog::{
        Compile,
        entry::{ToolEntry, Version},
        index::References,
        quarantine::{Cause, Place, Quarantined},
        read::{self, Rejected},
    },
    datasource::Record,
    key::{Key, Kind, Revision},
};
use std::sync::Arc;

/// A record, read.
pub(super) enum Definition<T> {
    Tool(ToolEntry<T>),
    Instance(Version),
}

impl<C: Compile> Transition<'_, C> {
    /// Depends on nothing but the record and what is live under its key, so that many can be read at once.
    pub(super) fn read(&self, record: &Record) -> Result<Definition<C::Tool>, Rejected> {
        let id = &record.key.id;
        match record.key.kind {
            Kind::Tool => {
                let known = self.next.tools.get(id).map(|entry| &**entry);
                read::tool(self.compiler, record, known).map(Definition::Tool)
            }
            Kind::Instance => {
                let known = self.next.instances.get(id).map(|entry| &entry.document);
                read::instance(record, known).map(Definition::Instance)
            }
        }
    }

    pub(super) fn take(&mut self, record: Record, read: Result<Definition<C::Tool>, Rejected>) {
        let Record { key, revision, .. } = record;
        match read {
            Ok(Definition::Tool(entry)) => self.tool(entry),
            Ok(Definition::Instance(version)) => {
                self.incoming.insert(key.id.clone(), Arc::new(version));
                self.touched.insert(key.id.clone());
            }
            Err(rejected) => return self.reject(key, revision, rejected),
        }
        self.clear(&key);
    }

    fn tool(&mut self, entry: ToolEntry<C::Tool>) {
        self.touch(&entry.id);
        let known = self.next.tools.get(&entry.id).cloned();
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

    pub(super) fn delete(&mut self, key: &Key) {
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
}
