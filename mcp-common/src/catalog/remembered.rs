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
    /// Where it is stored.
    pub key: Key,
    /// The revision that wrote it.
    pub revision: Revision,
    /// When, as far as the source knows.
    pub updated_at: Option<SystemTime>,
    /// What is stored.
    pub document: &'a Document,
    /// It could not go live; an earlier version may be served.
    pub is_waiting: bool,
}

impl<T> Snapshot<T> {
    /// Every record that is worth keeping. What is not even JSON is not: the store has it.
    pub fn kept(&self) -> impl Iterator<Item = Kept<'_>> {
        let tools = self.tools.values().map(|entry| Kept {
            key: Key::tool(entry.id.clone()),
            revision: entry.revision,
            updated_at: entry.updated_at,
            document: &entry.document,
            is_waiting: false,
        });
        let versions = self.instances.iter().flat_map(|(id, entry)| {
            let versions = [(Some(&entry.version), false), (entry.newer.as_ref(), true)];
            versions.into_iter().filter_map(|(version, is_waiting)| {
                let version = version?;
                Some(Kept {
                    key: Key::instance(id.clone()),
                    revision: version.revision,
                    updated_at: version.updated_at,
                    document: &version.document,
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
                updated_at: None,
                document,
                is_waiting: true,
            })
        });
        tools.chain(versions).chain(quarantined)
    }

    /// A load, or what counts as one, has been taken over.
    pub fn is_loaded(&self) -> bool {
        self.loaded
    }
}
