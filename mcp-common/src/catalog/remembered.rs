//! What a catalog leaves to the process after it: its records, those that are served and those that wait.

use super::{
    quarantine::{Cause, Place},
    snapshot::Snapshot,
};
use crate::{
    datasource::Record,
    document::Document,
    key::{Key, Revision},
};
use std::time::SystemTime;

/// Records of an earlier process.
#[derive(Clone, Debug, Default)]
pub struct Remembered {
    /// What it had got to.
    pub revision: Revision,
    /// The versions that were served.
    pub served: Vec<Record>,
    /// Later versions that could not be.
    pub waiting: Vec<Record>,
}

/// One record of a snapshot.
#[derive(Clone, Debug)]
pub struct Kept<'a> {
    /// The key under which it is stored.
    pub key: Key,
    /// The revision that wrote it.
    pub revision: Revision,
    /// The time when it was written, as far as the source knows.
    pub updated_at: Option<SystemTime>,
    /// What is stored.
    pub document: &'a Document,
    /// It could not go live; an earlier version may be served.
    pub is_waiting: bool,
}

impl<T> Snapshot<T> {
    /// Every record that is worth keeping. What is not even JSON is not: the store has it.
    pub fn kept(&self) -> impl Iterator<Item = Kept<'_>> {
        let live = self.keys().flat_map(|key| {
            let entry = self.entries(key.kind).and_then(|entries| entries.entry(&key.id));
            let versions = entry.map_or([None, None], |entry| [Some(entry.served()), entry.waiting()]);
            let kept = [false, true].into_iter().zip(versions);
            kept.filter_map(move |(is_waiting, version)| {
                let version = version?;
                Some(Kept {
                    key: key.clone(),
                    revision: version.revision,
                    updated_at: version.updated_at,
                    document: version.document,
                    is_waiting,
                })
            })
        });
        let quarantined = self.quarantine.values().filter_map(|bad| {
            let Place::Definition(key) = &bad.place else {
                return None;
            };
            let document = bad.document.as_ref().filter(|_| bad.cause == Cause::Document)?;
            Some(Kept {
                key: key.clone(),
                revision: bad.revision,
                updated_at: bad.updated_at,
                document,
                is_waiting: true,
            })
        });
        live.chain(quarantined)
    }

    /// A load, or what counts as one, has been taken over.
    pub fn is_loaded(&self) -> bool {
        self.loaded
    }
}
