//! One stored record comes in, or goes.

use super::Transition;
use crate::{
    catalog::{
        Compile,
        collection::DocumentEntry,
        entry::{ToolEntry, Version},
        index::References,
        quarantine::{Cause, Place, Quarantined},
        read::{self, Rejected},
    },
    datasource::Record,
    key::{Key, Kind, Revision},
};
use std::{sync::Arc, time::SystemTime};

/// A record, read.
pub(super) enum Definition<T> {
    Tool(ToolEntry<T>),
    Instance(Version),
    Other(DocumentEntry),
}

impl<C: Compile> Transition<'_, C> {
    /// Depends on nothing but the record and what is live under its key, so that many can be read at once.
    pub(super) fn read(&self, record: &Record) -> Result<Definition<C::Tool>, Rejected> {
        let id = &record.key.id;
        let kind = record.key.kind;
        if kind == Kind::TOOL {
            let known = self.drafts.get(id).or_else(|| self.next.tools.get(id));
            let known = known.map(|entry| &**entry);
            return read::tool(self.compiler, record, known).map(Definition::Tool);
        }
        let known = self.next.entries(kind).and_then(|entries| entries.entry(id));
        let known = known.map(|entry| entry.served().document);
        if kind == Kind::INSTANCE {
            return read::instance(self.compiler, record, known).map(Definition::Instance);
        }
        read::other(self.compiler, record, known).map(Definition::Other)
    }

    pub(super) fn take(&mut self, record: Record, read: Result<Definition<C::Tool>, Rejected>) {
        let Record {
            key,
            revision,
            updated_at,
            ..
        } = record;
        match read {
            Ok(Definition::Tool(entry)) => self.tool(Arc::new(entry)),
            Ok(Definition::Instance(version)) => {
                self.incoming.insert(key.id.clone(), Arc::new(version));
                self.touched.insert(key.id.clone());
            }
            Ok(Definition::Other(entry)) => {
                self.others.insert(key.clone());
                if key.kind == Kind::UPSTREAM {
                    self.naming.insert(key.clone());
                }
                let of_kind = self.next.others.entry(key.kind).or_default();
                of_kind.insert(key.id.clone(), Arc::new(entry));
            }
            Err(rejected) => return self.reject(key, (revision, updated_at), rejected),
        }
        self.clear(&key);
    }

    pub(super) fn tool(&mut self, entry: Arc<ToolEntry<C::Tool>>) {
        self.touch(&entry.id);
        let known = self.next.tools.get(&entry.id).cloned();
        for tag in known.iter().flat_map(|known| &known.tags) {
            self.next.index.tagged.remove(tag.clone(), entry.id.clone());
        }
        for tag in &entry.tags {
            self.next.index.tagged.insert(tag.clone(), entry.id.clone());
        }
        let index = &mut self.next.index.naming_secrets;
        for used in known.iter().flat_map(|known| &*known.secrets) {
            index.remove(used.name.clone(), entry.id.clone());
        }
        for used in &entry.secrets {
            index.insert(used.name.clone(), entry.id.clone());
        }
        if !entry.secrets.is_empty() {
            self.naming.insert(Key::tool(entry.id.clone()));
        }
        let id = entry.id.clone();
        self.next.tools.insert(id.clone(), entry);
        self.touch(&id);
    }

    pub(super) fn delete(&mut self, key: &Key) {
        self.clear(key);
        if key.kind == Kind::TOOL {
            self.delete_tool(&key.id);
        } else if key.kind == Kind::INSTANCE {
            self.delete_instance(&key.id);
        } else if let Some(of_kind) = self.next.others.get_mut(&key.kind)
            && of_kind.remove(&key.id).is_some()
        {
            self.others.insert(key.clone());
        }
    }

    pub(super) fn delete_tool(&mut self, id: &Arc<str>) {
        self.touch(id);
        if let Some(entry) = self.next.tools.remove(id) {
            for tag in &entry.tags {
                self.next.index.tagged.remove(tag.clone(), id.clone());
            }
            for used in &entry.secrets {
                let index = &mut self.next.index.naming_secrets;
                index.remove(used.name.clone(), id.clone());
            }
        }
    }

    fn delete_instance(&mut self, id: &Arc<str>) {
        self.incoming.remove(id);
        if let Some(entry) = self.next.instances.remove(id) {
            let nothing = References::default();
            self.next.index.refer(id, &entry.references(), &nothing);
            self.changed.insert(id.clone());
        }
    }

    /// The instances that this tool can touch are to be settled.
    fn touch(&mut self, tool: &str) {
        self.touched.extend(self.next.instances_of(tool));
        // Documents of the same batch are not in the index yet, but they are touched themselves.
    }

    fn reject(
        &mut self,
        key: Key,
        (revision, updated_at): (Revision, Option<SystemTime>),
        rejected: Rejected,
    ) {
        if key.kind == Kind::INSTANCE {
            // An earlier document of this batch that was good is settled first, so that it is what stays live.
            if self.incoming.contains_key(&key.id) {
                self.settle(key.id.clone());
            }
            self.drop_newer(&key.id);
        }
        let live = self
            .next
            .entries(key.kind)
            .and_then(|entries| entries.entry(&key.id));
        let live = live.map(|entry| entry.served().revision);
        if live.is_none() && ![Kind::TOOL, Kind::INSTANCE].contains(&key.kind) {
            // That there is something which cannot be read says something, too.
            self.others.insert(key.clone());
        }
        self.quarantine(Quarantined {
            place: Place::Definition(key),
            revision,
            updated_at,
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
