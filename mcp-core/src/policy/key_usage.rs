//! When keys of the store were used last, and how often. Kept beside their documents, so that using a key is no change; each
//! replica knows what it has seen itself.

use super::{Gate, Record};
use std::{
    collections::HashMap,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime},
};

/// The use of all keys since the start of the process.
#[derive(Debug)]
pub struct KeyUsage {
    since: SystemTime,
    keys: RwLock<HashMap<Arc<str>, Uses>>,
}

/// Counted without a lock of its own: every request does.
#[derive(Debug, Default)]
struct Uses {
    requests: AtomicU64,
    /// Milliseconds after `since`.
    last: AtomicU64,
}

/// The use of one key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyUse {
    /// The time since when it is counted.
    pub since: SystemTime,
    /// Requests that showed the key and were let in.
    pub requests: u64,
    /// The time when the last of them came; `None` if there was none.
    pub last_used_at: Option<SystemTime>,
}

impl Default for KeyUsage {
    fn default() -> Self {
        Self {
            since: SystemTime::now(),
            keys: RwLock::default(),
        }
    }
}

impl KeyUsage {
    /// What is known of the key.
    pub fn of(&self, key: &str) -> KeyUse {
        let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        let uses = keys.get(key);
        let last = uses.map(|uses| Duration::from_millis(uses.last.load(Ordering::Relaxed)));
        KeyUse {
            since: self.since,
            requests: uses.map_or(0, |uses| uses.requests.load(Ordering::Relaxed)),
            last_used_at: last.map(|last| self.since + last),
        }
    }

    /// Forgets keys that are not there any more.
    pub fn keep(&self, is_there: impl Fn(&str) -> bool) {
        let mut keys = self.keys.write().unwrap_or_else(PoisonError::into_inner);
        keys.retain(|key, _| is_there(key));
    }

    fn used(&self, key: &Arc<str>) {
        let now = self.since.elapsed().unwrap_or_default().as_millis();
        let now = u64::try_from(now).unwrap_or(u64::MAX);
        let count = |uses: &Uses| {
            uses.requests.fetch_add(1, Ordering::Relaxed);
            uses.last.fetch_max(now, Ordering::Relaxed);
        };
        let known = self
            .keys
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(key)
            .map(count);
        if known.is_none() {
            let mut keys = self.keys.write().unwrap_or_else(PoisonError::into_inner);
            count(keys.entry(key.clone()).or_default());
        }
    }
}

impl Gate for KeyUsage {
    fn over(&self, record: &Record) {
        if let Some(key) = record.key().filter(|_| record.has_entered()) {
            self.used(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uses_are_counted_until_the_key_is_gone() {
        let usage = KeyUsage::default();
        let (one, other) = (Arc::from("one"), Arc::from("other"));
        usage.used(&one);
        usage.used(&one);
        usage.used(&other);
        let known = usage.of("one");
        assert_eq!(known.requests, 2);
        assert!(known.last_used_at >= Some(known.since));
        assert_eq!(
            usage.of("none"),
            KeyUse {
                requests: 0,
                last_used_at: None,
                ..known
            }
        );
        usage.keep(|key| key == "one");
        assert_eq!((usage.of("one").requests, usage.of("other").requests), (2, 0));
    }
}
