//! Takes a complete load over: only what differs from what is here.

use super::{Transition, record::Definition};
use crate::{
    catalog::{Compile, quarantine::Place, read::Rejected},
    datasource::{Load, Record},
    document::Document,
    key::Key,
    safe_mode::{SafeMode, Subject},
};
use std::{
    collections::{BTreeSet, HashSet},
    num::NonZero,
    thread,
};

/// Records read at once; their stored bodies are dropped before the next ones are read.
const CHUNK: usize = 8_192;
/// Records whose compilation is written down together: for each by itself it would cost more than nothing.
const GROUP: usize = 32;
/// The number of definitions that are not worth a thread.
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
            for (record, read) in self.read_safely(chunk) {
                self.take(record, read);
            }
        }
    }

    /// What a process died of, or may have, comes by itself and before the others.
    fn read_safely(&self, records: Vec<Record>) -> Vec<ReadRecord<C::Tool>> {
        let safe_mode = self
            .compiler
            .safe_mode()
            .filter(|safe_mode| !safe_mode.is_empty());
        let Some(safe_mode) = safe_mode else {
            return self.read_all(records);
        };
        let is_unknown = |record: &Record| safe_mode.is_unknown(&subject(record));
        let (unknown, cases): (Vec<_>, Vec<_>) = records.into_iter().partition(is_unknown);
        let read = |record: Record| {
            let read = self.read_guarded(safe_mode, &record);
            (record, read)
        };
        let mut all: Vec<_> = cases.into_iter().map(read).collect();
        all.extend(self.read_all(unknown));
        all
    }

    fn read_guarded(&self, safe_mode: &SafeMode, record: &Record) -> Result<Definition<C::Tool>, Rejected> {
        let read = safe_mode.guard(&subject(record), Some(&record.body), || self.read(record));
        read.unwrap_or_else(|problem| {
            Err(Rejected {
                problems: problem.into(),
                document: Document::take(record.body.clone()).ok(),
            })
        })
    }

    /// What of it is being read stands in the journal meanwhile.
    fn read_share(&self, share: Vec<Record>) -> Vec<ReadRecord<C::Tool>> {
        let safe_mode = self.compiler.safe_mode();
        let mut all = Vec::with_capacity(share.len());
        let mut share = share.into_iter();
        loop {
            let group: Vec<Record> = share.by_ref().take(GROUP).collect();
            if group.is_empty() {
                return all;
            }
            let _marked = safe_mode.and_then(|safe_mode| {
                let subjects: Vec<Subject> = group.iter().map(subject).collect();
                safe_mode.mark(&subjects)
            });
            all.extend(group.into_iter().map(|record| {
                let read = self.read(&record);
                (record, read)
            }));
        }
    }

    /// Parsing and compiling is nearly all the work of a load, and no record needs another one for it: all cores do it.
    fn read_all(&self, mut records: Vec<Record>) -> Vec<ReadRecord<C::Tool>> {
        let threads = thread::available_parallelism().map_or(1, NonZero::get);
        let share = records.len().div_ceil(threads).max(FEW);
        let mut shares = Vec::new();
        while records.len() > share {
            shares.push(records.split_off(records.len() - share));
        }
        thread::scope(|scope| {
            let spawn = |share: Vec<Record>| scope.spawn(move || self.read_share(share));
            let others: Vec<_> = shares.into_iter().rev().map(spawn).collect();
            let mut all = self.read_share(records);
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

fn subject(record: &Record) -> Subject {
    Subject::new(record.key.clone(), &[&record.body])
}
