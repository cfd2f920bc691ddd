//! The states of keys in memory, with the revisions that made them: what a source without a change log of its own
//! knows. Every state of a key, up to the bound, is both its history and its change log entry.

use bytes::Bytes;
use mcp_common::{
    datasource::{Batch, Change, HistoryEntry, Load, Record, SourceError, Unreadable, Write},
    key::{Key, Revision},
};
use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    time::{SystemTime, UNIX_EPOCH},
};

/// A deletion is forgotten when so many changes came after it.
const HORIZON: usize = 100_000;

/// Where revisions come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Numbering {
    /// 1, 2, 3, …
    #[cfg_attr(not(feature = "memory"), allow(dead_code))]
    Count,
    /// Microseconds since 1970, and at least one more than the one before: a restarted process does not give out
    /// numbers again that clients remember.
    #[cfg_attr(not(feature = "file"), allow(dead_code))]
    Clock,
}

/// What a change is about.
#[derive(Clone, Debug)]
enum Subject {
    Key(Key),
    Place(String),
}

pub(super) struct Ledger {
    numbering: Numbering,
    revision: Revision,
    /// Consumers behind this one may have missed a forgotten deletion.
    floor: Revision,
    bound: usize,
    /// Oldest first, never empty.
    keys: HashMap<Key, VecDeque<HistoryEntry>>,
    /// Why a place cannot be read; `None`: it can be read again.
    places: HashMap<String, (Revision, Option<String>)>,
    /// Every subject once, at its newest revision: the log without what was superseded.
    log: BTreeMap<Revision, Subject>,
    /// The part of the log that says that something is gone, and how many changes there were before.
    gone: BTreeMap<Revision, usize>,
    changes: usize,
}

impl Ledger {
    pub(super) fn new(bound: usize, numbering: Numbering) -> Self {
        let start = match numbering {
            Numbering::Count => 0,
            // Whoever comes with an earlier revision has it from another process.
            Numbering::Clock => now(),
        };
        Self {
            numbering,
            revision: start,
            floor: start,
            bound: bound.max(1),
            keys: HashMap::new(),
            places: HashMap::new(),
            log: BTreeMap::new(),
            gone: BTreeMap::new(),
            changes: 0,
        }
    }

    #[cfg_attr(not(feature = "memory"), allow(dead_code))]
    pub(super) fn revision(&self) -> Revision {
        self.revision
    }

    pub(super) fn load(&self) -> Load {
        let newest = self
            .keys
            .iter()
            .filter_map(|(key, states)| Some((key, states.back()?)));
        let records = newest.filter_map(|(key, state)| record(key, state)).collect();
        let unreadable = self.places.iter().filter_map(|(place, (revision, reason))| {
            let (place, reason, revision) = (place.clone(), reason.clone()?, *revision);
            Some(Unreadable {
                place,
                reason,
                revision,
            })
        });
        Load {
            revision: self.revision,
            records,
            unreadable: unreadable.collect(),
        }
    }

    pub(super) fn changes_after(&self, from: Revision) -> Result<Batch, SourceError> {
        if from < self.floor || from > self.revision {
            return Err(SourceError::HistoryLost { from });
        }
        let newer = self.log.range(from + 1..);
        let changes = newer.filter_map(|(revision, subject)| self.change(*revision, subject));
        Ok(Batch {
            revision: self.revision,
            changes: changes.collect(),
        })
    }

    fn change(&self, revision: Revision, subject: &Subject) -> Option<Change> {
        match subject {
            Subject::Key(key) => Some(match record(key, self.keys.get(key)?.back()?) {
                Some(record) => Change::Put(record),
                None => Change::Delete {
                    key: key.clone(),
                    revision,
                },
            }),
            Subject::Place(place) => Some(match &self.places.get(place)?.1 {
                Some(reason) => Change::Unreadable(Unreadable {
                    place: place.clone(),
                    reason: reason.clone(),
                    revision,
                }),
                None => Change::Readable {
                    place: place.clone(),
                    revision,
                },
            }),
        }
    }

    pub(super) fn history(&self, key: &Key, limit: usize) -> Vec<HistoryEntry> {
        let states = self.keys.get(key).into_iter().flatten();
        states.rev().take(limit).cloned().collect()
    }

    /// What is stored under the key.
    #[cfg_attr(not(feature = "file"), allow(dead_code))]
    pub(super) fn stored(&self, key: &Key) -> Option<&Bytes> {
        self.keys.get(key)?.back()?.body.as_ref()
    }

    /// The stored revision, if the expectation holds.
    pub(super) fn expect(&self, write: &Write<'_>) -> Result<Option<Revision>, SourceError> {
        let newest = self.keys.get(write.key).and_then(VecDeque::back);
        let current = newest
            .filter(|state| state.body.is_some())
            .map(|state| state.revision);
        write.expected.met_by(current)?;
        Ok(current)
    }

    /// The key's next state; without a body it is a deletion.
    pub(super) fn append(
        &mut self,
        key: &Key,
        principal: Option<&str>,
        at: SystemTime,
        body: Option<Bytes>,
    ) -> Revision {
        let revision = self.next();
        let states = self.keys.entry(key.clone()).or_default();
        let previous = states.back().map(|state| state.revision);
        let is_gone = body.is_none();
        states.push_back(HistoryEntry {
            revision,
            at: Some(at),
            principal: principal.map(str::to_owned),
            body,
        });
        if states.len() > self.bound {
            states.pop_front();
        }
        self.enter(previous, is_gone, Subject::Key(key.clone()));
        revision
    }

    /// The place cannot be read for this reason; without one it can be read again.
    #[cfg_attr(not(feature = "file"), allow(dead_code))]
    pub(super) fn report(&mut self, place: &str, reason: Option<String>) {
        let known = self.places.get(place);
        let known_reason = known.and_then(|(_, reason)| reason.as_ref());
        if known_reason == reason.as_ref() {
            return;
        }
        let previous = known.map(|(revision, _)| *revision);
        let revision = self.next();
        let is_gone = reason.is_none();
        self.places.insert(place.to_owned(), (revision, reason));
        self.enter(previous, is_gone, Subject::Place(place.to_owned()));
    }

    fn next(&mut self) -> Revision {
        let least = self.revision + 1;
        self.revision = match self.numbering {
            Numbering::Count => least,
            Numbering::Clock => least.max(now()),
        };
        self.revision
    }

    fn enter(&mut self, previous: Option<Revision>, is_gone: bool, subject: Subject) {
        self.changes += 1;
        if let Some(previous) = previous {
            self.log.remove(&previous);
            self.gone.remove(&previous);
        }
        if is_gone {
            self.gone.insert(self.revision, self.changes);
        }
        self.log.insert(self.revision, subject);
        self.forget();
    }

    /// Drops the oldest keys: without this a gateway whose ids are generated would remember every one of them.
    fn forget(&mut self) {
        while let Some(oldest) = self.gone.first_entry()
            && oldest.get() + HORIZON <= self.changes
        {
            let revision = oldest.remove_entry().0;
            match self.log.remove(&revision) {
                Some(Subject::Key(key)) => drop(self.keys.remove(&key)),
                Some(Subject::Place(place)) => drop(self.places.remove(&place)),
                None => {}
            }
            self.floor = revision;
        }
    }
}

fn now() -> Revision {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Revision::try_from(now.as_micros()).unwrap_or_default()
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
mod tests;
