//! Whether what was read from a store has arrived in the catalog.

use super::{quarantine::Place, snapshot::Snapshot};
use crate::{
    datasource::Load,
    key::{Key, Revision},
};
use std::collections::HashSet;

impl<T> Snapshot<T> {
    /// Whether it is as new as the load. The revision alone does not say so: that of a store may grow by what are no definitions (leases, what
    /// others keep in the same cluster), of which nothing arrives here.
    pub fn is_as_new_as(&self, load: &Load) -> bool {
        if self.revision >= load.revision {
            return true;
        }
        if self.revision < written(load) {
            return false;
        }
        // All that was written is here. What was deleted is not in the load: it may be here still.
        let stored: HashSet<&Key> = load.records.iter().map(|record| &record.key).collect();
        let bad = self.quarantine.keys().filter_map(|place| match place {
            Place::Definition(key) => Some(key.clone()),
            _ => None,
        });
        let is_later = |key: &Key| {
            self.stored_revision(key)
                .is_some_and(|revision| revision > load.revision)
        };
        self.keys()
            .chain(bad)
            .all(|key| stored.contains(&key) || is_later(&key))
    }
}

/// The newest write of the load.
fn written(load: &Load) -> Revision {
    let records = load.records.iter().map(|record| record.revision);
    let unreadable = load.unreadable.iter().map(|unreadable| unreadable.revision);
    records.chain(unreadable).max().unwrap_or_default()
}
