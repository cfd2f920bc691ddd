//! What happens in a gateway, for whoever wants to hear of it: the last events in a ring, each with a number. Nobody who tells waits for anybody who
//! listens, and who reads too slowly is told how many were missed.

use serde::Serialize;
use serde_json::{Map, Value};
use std::{
    collections::VecDeque,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::SystemTime,
};
use tokio::sync::watch;

/// Events that are kept.
const KEPT: usize = 1_000;

/// Every type that there is.
pub const TYPES: [&str; 17] = [
    "server.started",
    "server.stopped",
    "upstream.discovered",
    "upstream.removed",
    "upstream.status_changed",
    "upstream.tools_changed",
    "upstream.drifted",
    "endpoint.health_changed",
    "breaker.opened",
    "breaker.closed",
    "definition.changed",
    "key.changed",
    "config.changed",
    "tool.executed",
    "access.denied",
    "health",
    "error",
];

/// Which types somebody wants: names, with `*` for any text at the end of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted(Vec<String>);

/// There is no type that would be meant.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no event `{0}`; there are {all}, and `*` at the end of one stands for any text", all = TYPES.join(", "))]
pub struct NoSuchType(String);

impl Wanted {
    /// All of these have to mean something.
    pub fn new(names: impl IntoIterator<Item = impl AsRef<str>>) -> Result<Self, NoSuchType> {
        let names: Vec<String> = names
            .into_iter()
            .map(|name| name.as_ref().trim().to_owned())
            .collect();
        match names
            .iter()
            .find(|name| !TYPES.iter().any(|known| is_meant(name, known)))
        {
            None => Ok(Self(names)),
            Some(unknown) => Err(NoSuchType(unknown.clone())),
        }
    }

    /// Whether events of this type are wanted.
    pub fn has(&self, kind: &str) -> bool {
        self.0.iter().any(|name| is_meant(name, kind))
    }
}

fn is_meant(name: &str, kind: &str) -> bool {
    match name.strip_suffix('*') {
        Some(start) => kind.starts_with(start),
        None => name == kind,
    }
}

/// One thing that happened.
#[derive(Clone, Debug, Serialize)]
pub struct Event {
    /// It grows by one with each event, and begins anew with the process.
    #[serde(rename = "id")]
    pub number: u64,
    /// One of [`TYPES`].
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// The time when it was told.
    #[serde(skip)]
    pub at: SystemTime,
    /// What is to be said of it.
    #[serde(flatten)]
    pub members: Map<String, Value>,
}

/// The events of a gateway. Clones are the same.
#[derive(Clone)]
pub struct Events(Arc<Shared>);

struct Shared {
    ring: Mutex<VecDeque<Arc<Event>>>,
    last: watch::Sender<u64>,
}

/// What came after a number.
#[derive(Debug)]
pub struct News {
    /// The events, the oldest first.
    pub events: Vec<Arc<Event>>,
    /// How many came before these that are not kept any more.
    pub missed: u64,
}

impl Default for Events {
    fn default() -> Self {
        Self(Arc::new(Shared {
            ring: Mutex::default(),
            last: watch::Sender::new(0),
        }))
    }
}

impl Events {
    /// Something happened. `members` is an object.
    pub fn tell(&self, kind: &'static str, members: Value) {
        let Value::Object(members) = members else { return };
        let mut ring = self.ring();
        let number = *self.0.last.borrow() + 1;
        if ring.len() == KEPT {
            ring.pop_front();
        }
        ring.push_back(Arc::new(Event {
            number,
            kind,
            at: SystemTime::now(),
            members,
        }));
        // With the ring locked: nobody reads a number whose event is not there.
        self.0.last.send_replace(number);
    }

    /// The number of the last event; 0 before the first.
    pub fn last(&self) -> u64 {
        *self.0.last.borrow()
    }

    /// What came after this number; a number that never was counts as 0.
    pub fn since(&self, number: u64) -> News {
        let ring = self.ring();
        let number = if number > self.last() { 0 } else { number };
        let oldest = ring.front().map_or(0, |event| event.number);
        News {
            missed: oldest.saturating_sub(number + 1),
            events: ring
                .iter()
                .filter(|event| event.number > number)
                .cloned()
                .collect(),
        }
    }

    /// Waits until there is one after this number; a number that never was counts as 0 here, too.
    pub async fn after(&self, number: u64) {
        let mut last = self.0.last.subscribe();
        let number = if number > self.last() { 0 } else { number };
        // The sender lives as long as `self`.
        let _ = last.wait_for(|last| *last > number).await;
    }

    fn ring(&self) -> MutexGuard<'_, VecDeque<Arc<Event>>> {
        self.0.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Events").field("last", &self.last()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[tokio::test]
    async fn who_comes_later_gets_what_is_kept_and_hears_how_much_was_missed() {
        let events = Events::default();
        assert!(events.since(0).events.is_empty());
        for number in 1..=1_005 {
            events.tell("breaker.opened", json!({"n": number}));
        }
        let news = events.since(1);
        assert_eq!((news.missed, news.events.len()), (4, 1_000));
        assert_eq!(news.events[0].number, 6);
        let news = events.since(1_003);
        assert_eq!((news.missed, news.events.len()), (0, 2));
        let news = events.since(u64::MAX);
        assert_eq!(news.events.len(), 1_000, "of a process before this one");
        let waiting = events.after(1_005);
        tokio::pin!(waiting);
        let early = tokio::time::timeout(std::time::Duration::from_millis(1), &mut waiting).await;
        assert!(early.is_err());
        events.tell("breaker.closed", json!({}));
        waiting.await;
        assert_eq!(events.since(1_005).events[0].kind, "breaker.closed");
        events.after(u64::MAX).await;
    }
}
