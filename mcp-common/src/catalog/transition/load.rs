//! Takes a complete load over: only what differs from what is here.

use super::{Transition, record::Definition};
use crate::{
    catalog::{Compile, quarantine::Place, read::Rejected},
    datasource::{Load, Record},
    key::Key,
};
use std::{
    collections::{BTreeSet, HashSet},
    num::NonZero,
    thread,
};

/// Records read at once; their stored bodies are dropped before the next ones are read.
const CHUNK: usize = 8_192;
/// Not worth a thread.
const FEW: usize = 64;

type ReadRecord<T> = (Record, Result<Definition<T>, Rejected>);

impl<C: Compile> Transition<'_, C> {
    pub(in crate::catalog) fn replace(&mut self, load: Load) {
        let stored: HashSet<&Key> = load.records.iter().map(|record| &record.key).collect();
        let quarantined = self.next.quarantine.keys().filter_map(|place| match place {
            Place::Definition(key) => Some(key.clone()),
            Place::Elsewhere(_) => None,
        });
        let known = self.next.keys().chain(quarantined);
        let gone: BTreeSet<Key> = known.filter(|key| !stored.contains(key)).collect();
        let unreadable: HashSet<&str> = load
            .unreadable
            .iter()
            .map(|unreadable| &*unreadable.place)
            .collect();
        let readable_now = self
            .next
            .quarantine
            .keys()
            .filter(|place| matches!(place, Place::Elsewhere(place) if !unreadable.contains(&**place)));
        for place in readable_now.cloned().collect::<Vec<_>>() {
            self.next.quarantine.remove(&place);
        }
        for key in gone {
            self.delete(&key);
        }
        let mut new = load.records;
        new.retain(|record| !self.is_live(record));
        self.put_all(new);
        for unreadable in load.unreadable {
            self.unreadable(unreadable);
        }
        self.next.revision = load.revision;
        self.next.loaded = true;
    }

    /// Takes records of different keys in.
    pub(super) fn put_all(&mut self, records: Vec<Record>) {
        let mut records = records.into_iter();
        loop {
            let chunk: Vec<Record> = records.by_ref().take(CHUNK).collect();
            if chunk.is_empty() {
                return;
            }
            for (record, read) in self.read_all(chunk) {
                self.take(record, read);
            }
        }
    }

    /// Parsing and compiling is nearly all the work of a load, and no record needs another one for it: all cores do it.
    fn read_all(&self, mut records: Vec<Record>) -> Vec<ReadRecord<C::Tool>> {
        let read = |record: Record| {
            let read = self.read(&record);
            (record, read)
        };
        let threads = thread::available_parallelism().map_or(1, NonZero::get);
        let share = records.len().div_ceil(threads).max(FEW);
        let mut shares = Vec::new();
        while records.len() > share {
            shares.push(records.split_off(records.len() - share));
        }
        thread::scope(|scope| {
            let spawn =
                |share: Vec<Record>| scope.spawn(move || share.into_iter().map(read).collect::<Vec<_>>());
            let others: Vec<_> = shares.into_iter().rev().map(spawn).collect();
            let mut all: Vec<_> = records.into_iter().map(read).collect();
            for other in others {
                match other.join() {
                    Ok(read) => all.extend(read),
                    Err(panicked) => std::panic::resume_unwind(panicked),
                }
            }
            all
        })
    }
}
