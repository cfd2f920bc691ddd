//! The resources of one upstream that clients want to hear of. They stay from one connection to the next.

use crate::relay::Updates;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::sync::{Notify, watch};

/// Resources of one upstream at the most: all of them are named in each subscription of 2026-07-28.
const MOST: usize = 10_000;

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Watched {
    table: Mutex<Table>,
    /// There are others now.
    pub(super) changed: Notify,
}

#[derive(Debug, Default)]
struct Table {
    given: u64,
    uris: BTreeMap<Arc<str>, Entry>,
}

#[derive(Debug)]
struct Entry {
    listeners: Vec<(u64, Arc<Updates>)>,
    answer: watch::Sender<Answer>,
    /// The server told of it over an earlier connection.
    was_told: bool,
}

/// Whether the server tells of a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// It was not asked on this connection.
    Open,
    Told,
    Refused,
}

impl Watched {
    /// Somebody more; `None` where there are too many resources already.
    pub(super) fn add(self: &Arc<Self>, uri: &Arc<str>, updates: Arc<Updates>) -> Option<Watching> {
        let mut table = self.lock();
        if table.uris.len() >= MOST && !table.uris.contains_key(uri) {
            return None;
        }
        table.given += 1;
        let number = table.given;
        let entry = table.uris.entry(uri.clone()).or_insert_with(|| Entry {
            listeners: Vec::new(),
            answer: watch::Sender::new(Answer::Open),
            was_told: false,
        });
        entry.listeners.push((number, updates));
        let answer = entry.answer.subscribe();
        drop(table);
        self.changed.notify_one();
        Some(Watching {
            watched: self.clone(),
            uri: uri.clone(),
            number,
            answer,
        })
    }

    pub(super) fn uris(&self) -> Vec<Arc<str>> {
        self.lock().uris.keys().cloned().collect()
    }

    /// What the server answered on this connection. Who was told before may have missed something meanwhile.
    pub(super) fn answered(&self, uri: &str, answer: Answer) {
        let mut table = self.lock();
        let Some(entry) = table.uris.get_mut(uri) else {
            return;
        };
        let is_again = entry.was_told && *entry.answer.borrow() == Answer::Open && answer == Answer::Told;
        entry.was_told |= answer == Answer::Told;
        entry.answer.send_replace(answer);
        if is_again {
            entry.tell(uri);
        }
    }

    /// There is another connection, on which nothing was asked yet.
    pub(super) fn begin(&self) {
        for entry in self.lock().uris.values() {
            entry.answer.send_replace(Answer::Open);
        }
    }

    /// A resource is another one; also one that is a part of what clients want to hear of. They are told of what they asked
    /// for: how its parts are called is not for everybody who may read it.
    pub(super) fn updated(&self, uri: &str) {
        let table = self.lock();
        for (own, entry) in table.uris.iter().filter(|(own, _)| is_part(uri, own)) {
            entry.tell(own);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether it is the resource, or lies below it.
fn is_part(uri: &str, of: &str) -> bool {
    let rest = uri.strip_prefix(of);
    rest.is_some_and(|rest| rest.is_empty() || of.ends_with('/') || rest.starts_with(['/', '?', '#']))
}

impl Entry {
    fn tell(&self, uri: &str) {
        for (_, updates) in &self.listeners {
            updates.changed(uri);
        }
    }
}

/// Somebody who wants to hear of a resource, until it is dropped.
#[derive(Debug)]
pub struct Watching {
    watched: Arc<Watched>,
    uri: Arc<str>,
    number: u64,
    answer: watch::Receiver<Answer>,
}

impl Watching {
    /// Whether the server refused; waits for its answer, but not for ever.
    pub(super) async fn is_refused(&mut self, patience: Duration) -> bool {
        let answered = self.answer.wait_for(|answer| *answer != Answer::Open);
        match tokio::time::timeout(patience, answered).await {
            Ok(Ok(answer)) => *answer == Answer::Refused,
            // It is asked again with each connection.
            Ok(Err(_)) | Err(_) => false,
        }
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        let mut table = self.watched.lock();
        let Some(entry) = table.uris.get_mut(&self.uri) else {
            return;
        };
        entry.listeners.retain(|(number, _)| *number != self.number);
        if entry.listeners.is_empty() {
            table.uris.remove(&self.uri);
            drop(table);
            self.watched.changed.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;

    #[test]
    fn each_hears_of_its_own_resource_and_of_parts_of_it() {
        let watched = Arc::new(Watched::default());
        let (one, two) = (Arc::new(Updates::default()), Arc::new(Updates::default()));
        let first = watched.add(&"x:a".into(), one.clone());
        let second = watched.add(&"x:b".into(), two.clone());
        watched.updated("x:a/part");
        watched.updated("x:c");
        watched.updated("x:a-secret");
        watched.updated("x:b-secret");
        assert_eq!(one.next().now_or_never().as_deref(), Some("x:a"));
        assert_eq!(one.next().now_or_never(), None);
        assert_eq!(two.next().now_or_never(), None);
        drop(first);
        assert_eq!(watched.uris(), ["x:b".into()]);
        drop(second);
        assert_eq!(watched.uris(), Vec::<Arc<str>>::new());
    }

    #[test]
    fn what_lies_below_a_resource_is_a_part_of_it() {
        for (uri, of, part) in [
            ("x:a", "x:a", true),
            ("x:a/b", "x:a", true),
            ("x:a?b", "x:a", true),
            ("x:a#b", "x:a", true),
            ("x://h/a", "x://h/", true),
            ("x:ab", "x:a", false),
            ("x:a", "x:a/", false),
            ("x:a", "", false),
            ("x:a", "x:", false),
        ] {
            assert_eq!(is_part(uri, of), part, "{uri} {of}");
        }
    }

    #[test]
    fn there_are_no_more_resources_than_can_be_named() {
        let watched = Arc::new(Watched::default());
        let updates = Arc::new(Updates::default());
        let add = |number: usize| watched.add(&format!("x:{number}").into(), updates.clone());
        let mut held: Vec<_> = (0..MOST).map(|number| add(number).unwrap()).collect();
        assert!(add(MOST).is_none());
        held.push(add(0).expect("another listener of the same resource"));
        held.swap_remove(1);
        assert!(add(MOST).is_some());
    }

    #[test]
    fn who_was_told_over_an_earlier_connection_reads_again() {
        let watched = Arc::new(Watched::default());
        let updates = Arc::new(Updates::default());
        let _watching = watched.add(&"x:a".into(), updates.clone()).unwrap();
        watched.answered("x:a", Answer::Told);
        watched.answered("x:a", Answer::Told);
        assert_eq!(updates.next().now_or_never(), None);
        watched.begin();
        watched.answered("x:a", Answer::Told);
        assert_eq!(updates.next().now_or_never().as_deref(), Some("x:a"));
    }
}
