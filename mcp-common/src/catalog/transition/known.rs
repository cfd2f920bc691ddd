//! What the catalog has seen of a key.

use super::Transition;
use crate::{
    catalog::{Compile, quarantine::Cause},
    datasource::Record,
    document::Document,
    key::{Key, Kind, Revision},
};

impl<C: Compile> Transition<'_, C> {
    /// The newest revision of the key that the catalog has seen.
    pub(super) fn known(&self, key: &Key) -> Revision {
        let incoming = match key.kind {
            Kind::Tool => None,
            Kind::Instance => self.incoming.get(&key.id).map(|version| version.revision),
        };
        self.next.stored_revision(key).max(incoming).unwrap_or(0)
    }

    /// Whether exactly this record is what is served, with nothing newer waiting.
    pub(super) fn is_live(&self, record: &Record) -> bool {
        let is_newest =
            |revision: Revision, text: &Document| revision == record.revision && text.is_text(&record.body);
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
