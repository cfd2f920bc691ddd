//! What cannot be used, and what can be used again.

use super::Transition;
use crate::{
    catalog::{
        Compile,
        quarantine::{Cause, Place, Quarantined},
    },
    datasource::Unreadable,
    key::Key,
};
use std::sync::Arc;

impl<C: Compile> Transition<'_, C> {
    pub(super) fn unreadable(&mut self, unreadable: Unreadable) {
        self.quarantine(Quarantined {
            place: Place::Elsewhere(unreadable.place.into()),
            revision: unreadable.revision,
            updated_at: None,
            cause: Cause::Unreadable,
            reason: unreadable.reason,
            at: self.at,
            serving_revision: None,
            document: None,
            problems: Vec::new(),
        });
    }

    pub(super) fn quarantine(&mut self, entry: Quarantined) {
        let known = self.next.quarantine.get(&entry.place);
        if known.is_some_and(|known| known.is_same(&entry)) {
            return;
        }
        self.found.insert(entry.place.clone());
        self.next.quarantine.insert(entry.place.clone(), Arc::new(entry));
    }

    pub(super) fn clear(&mut self, key: &Key) {
        self.next.quarantine.remove(&Place::Definition(key.clone()));
    }
}
