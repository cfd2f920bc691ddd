//! What the memory source holds. Every state of a key, up to the bound, is both its history and its change log entry.

use bytes::Bytes;
use mcp_common::{
    datasource::{Batch, Change, Expected, HistoryEntry, Load, Record, SourceError, Write},
    key::{Key, Revision},
};
use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    time::SystemTime,
};

/// A deletion is forgotten when so many revisions came after it.
const HORIZON: Revision = 100_000;

pub(super) struct State {
    revision: Revision,
    /// Consumers behind this one may have missed a forgotten deletion.
    floor: Revision,
    bound: usize,
    /// Oldest first, never empty.
    keys: HashMap<Key, VecDeque<HistoryEntry>>,
    /// Every key once, at its newest revision: the log without what was superseded.
    log: BTreeMap<Revision, Key>,
    deleted: BTreeMap<Revision, Key>,
}

impl State {
    pub(super) fn new(bound: usize) -> Self {
        Self {
            revision: 0,
            floor: 0,
            bound: bound.max(1),
            keys: HashMap::new(),
            log: BTreeMap::new(),
            deleted: BTreeMap::new(),
        }
    }

    pub(super) fn revision(&self) -> Revision {
        self.revision
    }

    pub(super) fn load(&self) -> Load {
        let newest = self
            .keys
            .iter()
            .filter_map(|(key, states)| Some((key, states.back()?)));
        let records = newest.filter_map(|(key, state)| record(key, state)).collect();
        Load {
            revision: self.revision,
            records,
            unreadable: Vec::new(),
        }
    }

    pub(super) fn changes_after(&self, from: Revision) -> Result<Batch, SourceError> {
        if from < self.floor || from > self.revision {
            return Err(SourceError::HistoryLost { from });
        }
        let newer = self.log.range(from + 1..);
        let newest = newer.filter_map(|(_, key)| Some((key, self.keys.get(key)?.back()?)));
        let changes = newest.map(|(key, state)| match record(key, state) {
            Some(record) => Change::Put(record),
            None => Change::Delete {
                key: key.clone(),
                revision: state.revision,
            },
        });
        Ok(Batch {
            revision: self.revision,
            changes: changes.collect(),
        })
    }

    pub(super) fn put(&mut self, write: &Write<'_>, body: Bytes) -> Result<Revision, SourceError> {
        self.expect(write)?;
        Ok(self.append(write, Some(body)))
    }

    pub(super) fn delete(&mut self, write: &Write<'_>) -> Result<Option<Revision>, SourceError> {
        let stored = self.expect(write)?;
        Ok(stored.map(|_| self.append(write, None)))
    }

    pub(super) fn history(&self, key: &Key, limit: usize) -> Vec<HistoryEntry> {
        let states = self.keys.get(key).into_iter().flatten();
        states.rev().take(limit).cloned().collect()
    }

    /// The stored revision, if the expectation holds.
    fn expect(&self, write: &Write<'_>) -> Result<Option<Revision>, SourceError> {
        let newest = self.keys.get(write.key).and_then(VecDeque::back);
        let current = newest
            .filter(|state| state.body.is_some())
            .map(|state| state.revision);
        let holds = match write.expected {
            Expected::Any => true,
            Expected::Absent => current.is_none(),
            Expected::Revision(revision) => current == Some(revision),
        };
        if holds {
            Ok(current)
        } else {
            Err(SourceError::Conflict { current })
        }
    }

    fn append(&mut self, write: &Write<'_>, body: Option<Bytes>) -> Revision {
        self.revision += 1;
        let revision = self.revision;
        let states = self.keys.entry(write.key.clone()).or_default();
        if let Some(previous) = states.back() {
            self.log.remove(&previous.revision);
            self.deleted.remove(&previous.revision);
        }
        if body.is_none() {
            self.deleted.insert(revision, write.key.clone());
        }
        let principal = Some(write.principal.to_owned());
        states.push_back(HistoryEntry {
            revision,
            at: Some(SystemTime::now()),
            principal,
            body,
        });
        if states.len() > self.bound {
            states.pop_front();
        }
        self.log.insert(revision, write.key.clone());
        self.forget();
        revision
    }

    /// Without this a gateway whose ids are generated would remember every one of them.
    fn forget(&mut self) {
        while let Some(oldest) = self.deleted.first_entry()
            && oldest.key() + HORIZON <= self.revision
        {
            let (revision, key) = oldest.remove_entry();
            self.keys.remove(&key);
            self.log.remove(&revision);
            self.floor = revision;
        }
    }
}

fn record(key: &Key, state: &HistoryEntry) -> Option<Record> {
    let body = state.body.clone()?;
    Some(Record {
        key: key.clone(),
        revision: state.revision,
        updated_at: state.at,
        body,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(key: &Key) -> Write<'_> {
        Write {
            key,
            expected: Expected::Any,
            principal: "test",
        }
    }

    #[test]
    fn forgotten_deletions_make_those_behind_them_load_again() {
        let mut state = State::new(2);
        let (gone, kept) = (Key::tool("gone"), Key::tool("kept"));
        state.put(&write(&gone), "{}".into()).unwrap();
        state.delete(&write(&gone)).unwrap();
        for _ in 0..HORIZON {
            state.put(&write(&kept), "{}".into()).unwrap();
        }
        assert!(matches!(
            state.changes_after(1),
            Err(SourceError::HistoryLost { from: 1 })
        ));
        assert_eq!(
            state.changes_after(2).map(|batch| batch.changes.len()).ok(),
            Some(1)
        );
        assert!(state.history(&gone, 9).is_empty());
        assert_eq!(state.history(&kept, 9).len(), 2);
    }
}
