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
