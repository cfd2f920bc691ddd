//! When keys of the store were used last, and how often. Kept beside their documents, so that using a key is no change; each
//! replica knows what it has seen itself, and remembers it if somebody keeps it ([`KeyUsage::all`], [`KeyUsage::remember`]).

use super::{Gate, Record};
use std::{
    collections::HashMap,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// The use of all keys.
#[derive(Debug)]
pub struct KeyUsage {
    /// In milliseconds after 1970, as all times here.
    since: AtomicU64,
    keys: RwLock<HashMap<Arc<str>, Uses>>,
    /// Something was used that nobody has kept yet.
    is_news: AtomicBool,
}

/// Counted without a lock of its own: every request does.
#[derive(Debug, Default)]
struct Uses {
    requests: AtomicU64,
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
            since: millis(SystemTime::now()).into(),
            keys: RwLock::default(),
            is_news: AtomicBool::new(false),
        }
    }
}

impl KeyUsage {
    /// What is known of the key.
    pub fn of(&self, key: &str) -> KeyUse {
        let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        self.use_of(keys.get(key))
    }

    /// What is known of all keys that were used.
    pub fn all(&self) -> Vec<(Arc<str>, KeyUse)> {
        let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        let all = keys
            .iter()
            .map(|(key, uses)| (key.clone(), self.use_of(Some(uses))));
        all.collect()
    }

    /// The time since when it is counted.
    pub fn since(&self) -> SystemTime {
        time(self.since.load(Ordering::Relaxed))
    }

    /// Adds what an earlier process has seen, which counted since then.
    pub fn remember(&self, since: SystemTime, known: impl IntoIterator<Item = (Arc<str>, KeyUse)>) {
        self.since.fetch_min(millis(since), Ordering::Relaxed);
        let mut keys = self.keys.write().unwrap_or_else(PoisonError::into_inner);
        for (key, before) in known {
            let uses = keys.entry(key).or_default();
            uses.requests.fetch_add(before.requests, Ordering::Relaxed);
            let last = before.last_used_at.map_or(0, millis);
            uses.last.fetch_max(last, Ordering::Relaxed);
        }
    }

    /// Whether something was used since this was asked last.
    pub fn take_news(&self) -> bool {
        self.is_news.swap(false, Ordering::Relaxed)
    }

    /// What was taken as news could not be kept.
    pub fn is_still_news(&self) {
        self.is_news.store(true, Ordering::Relaxed);
    }

    /// Forgets keys that are not there any more.
    pub fn keep(&self, is_there: impl Fn(&str) -> bool) {
        let mut keys = self.keys.write().unwrap_or_else(PoisonError::into_inner);
        let before = keys.len();
        keys.retain(|key, _| is_there(key));
        if keys.len() < before {
            self.is_still_news();
        }
    }

    fn use_of(&self, uses: Option<&Uses>) -> KeyUse {
        let last = uses.map(|uses| uses.last.load(Ordering::Relaxed));
        KeyUse {
            since: self.since(),
            requests: uses.map_or(0, |uses| uses.requests.load(Ordering::Relaxed)),
            last_used_at: last.filter(|last| *last > 0).map(time),
        }
    }

    fn used(&self, key: &Arc<str>) {
        let now = millis(SystemTime::now());
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
        // Written once, not by every request.
        if !self.is_news.load(Ordering::Relaxed) {
            self.is_still_news();
        }
    }
}

fn millis(at: SystemTime) -> u64 {
    let since = at.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

fn time(millis: u64) -> SystemTime {
    let at = UNIX_EPOCH.checked_add(Duration::from_millis(millis));
    at.unwrap_or(UNIX_EPOCH)
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

    #[test]
    fn what_was_before_is_added_and_news_are_told_once() {
        let usage = KeyUsage::default();
        assert!(!usage.take_news());
        let (began, last) = (time(1_000), time(5_000));
        let before = |requests| KeyUse {
            since: began,
            requests,
            last_used_at: Some(last),
        };
        usage.remember(began, [("one".into(), before(3)), ("other".into(), before(1))]);
        assert!(!usage.take_news(), "nobody has used anything");
        assert_eq!(usage.of("other"), before(1));
        usage.used(&"one".into());
        let known = usage.of("one");
        assert_eq!((known.since, known.requests), (began, 4));
        assert!(known.last_used_at > Some(last));
        assert!(usage.take_news() && !usage.take_news());
        usage.keep(|key| key == "one");
        assert!(usage.take_news(), "a key is gone");
        assert_eq!(usage.all(), [("one".into(), known)]);
    }
}
