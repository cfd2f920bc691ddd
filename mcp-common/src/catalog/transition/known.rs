//! What the catalog has seen of a key.

use super::Transition;
use crate::{
    catalog::{Compile, quarantine::Cause},
    datasource::Record,
    key::{Key, Kind, Revision},
};

impl<C: Compile> Transition<'_, C> {
    /// The newest revision of the key that the catalog has seen.
    pub(super) fn known(&self, key: &Key) -> Revision {
        let incoming = self.incoming.get(&key.id).filter(|_| key.kind == Kind::INSTANCE);
        let incoming = incoming.map(|version| version.revision);
        self.next.stored_revision(key).max(incoming).unwrap_or(0)
    }

    /// Whether exactly this record is what is served, with nothing newer waiting.
    pub(super) fn is_live(&self, record: &Record) -> bool {
        let quarantined = self.next.quarantined(&record.key);
        if quarantined.is_some_and(|entry| entry.cause == Cause::Document) {
            return false;
        }
        let entries = self.next.entries(record.key.kind);
        let newest = entries.and_then(|entries| Some(entries.entry(&record.key.id)?.newest()));
        newest
            .is_some_and(|newest| newest.revision == record.revision && newest.document.is_text(&record.body))
    }
}
