//! Sessions that nobody uses end, since most clients leave without a word. Where a session is used is known to this process
//! alone: one that is used on another replica meanwhile is unknown here only if it was used here before.

use moka::{policy::EvictionPolicy, sync::Cache};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

/// Sessions whose use is known at the most.
const MOST: u64 = 100_000;

/// When each session was used.
pub(super) struct IdleSessions {
    /// `None`: sessions end by their time alone.
    limit: Option<Duration>,
    begun: Instant,
    seen: Cache<Arc<str>, Arc<Use>>,
}

#[derive(Default)]
struct Use {
    /// Milliseconds since the beginning.
    last: AtomicU64,
    /// Streams that are open.
    streams: AtomicUsize,
}

impl IdleSessions {
    pub(super) fn new(limit: Option<Duration>, lifetime: Duration) -> Self {
        Self {
            limit,
            begun: Instant::now(),
            seen: Cache::builder()
                .max_capacity(MOST)
                .eviction_policy(EvictionPolicy::lru())
                .time_to_live(lifetime)
                .build(),
        }
    }

    /// A session is used; `false` if it was not for too long.
    pub(super) fn touch(&self, session: &Arc<str>) -> bool {
        self.touch_at(session, self.now())
    }

    fn touch_at(&self, session: &Arc<str>, now: u64) -> bool {
        if self.limit.is_none() {
            return true;
        }
        let own = self.seen.get(&**session).unwrap_or_else(|| {
            let fresh = || Arc::new(Use::at(now));
            self.seen.get_with(session.clone(), fresh)
        });
        if self.is_over(&own, now) {
            return false;
        }
        own.last.fetch_max(now, Ordering::Relaxed);
        true
    }

    /// A session is used until the result is dropped.
    pub(super) fn during(self: &Arc<Self>, session: &Arc<str>) -> Option<InUse> {
        self.limit?;
        let fresh = || Arc::new(Use::at(self.now()));
        let own = self.seen.get_with(session.clone(), fresh);
        own.streams.fetch_add(1, Ordering::Relaxed);
        Some(InUse(self.clone(), own))
    }

    /// Those that were not used for too long; nothing is known of them afterwards.
    pub(super) fn take_over(&self) -> Vec<Arc<str>> {
        self.take_over_at(self.now())
    }

    fn take_over_at(&self, now: u64) -> Vec<Arc<str>> {
        let over = self.seen.iter().filter(|(_, own)| self.is_over(own, now));
        let over: Vec<Arc<str>> = over.map(|(session, _)| (*session).clone()).collect();
        for session in &over {
            self.seen.invalidate(&**session);
        }
        over
    }

    /// How often it is worth looking for them; `None` for never.
    pub(super) fn pause(&self) -> Option<Duration> {
        let limit = self.limit?;
        Some((limit / 4).clamp(Duration::from_millis(50), Duration::from_secs(60)))
    }

    fn is_over(&self, own: &Use, now: u64) -> bool {
        let idle = now.saturating_sub(own.last.load(Ordering::Relaxed));
        let limit = self.limit.unwrap_or(Duration::MAX).as_millis();
        own.streams.load(Ordering::Relaxed) == 0 && u128::from(idle) >= limit
    }

    fn now(&self) -> u64 {
        u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

impl Use {
    fn at(now: u64) -> Self {
        Self {
            last: AtomicU64::new(now),
            streams: AtomicUsize::new(0),
        }
    }
}

/// A session that is in use.
pub(super) struct InUse(Arc<IdleSessions>, Arc<Use>);

impl Drop for InUse {
    fn drop(&mut self) {
        self.1.last.fetch_max(self.0.now(), Ordering::Relaxed);
        self.1.streams.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_used_is_over_and_an_open_stream_is_use() {
        let idle = IdleSessions::new(Some(Duration::from_secs(10)), Duration::from_secs(100));
        let idle = Arc::new(idle);
        let (one, two): (Arc<str>, Arc<str>) = ("one".into(), "two".into());
        assert!(idle.touch_at(&one, 0) && idle.touch_at(&two, 0));
        assert!(idle.touch_at(&one, 9_999) && idle.touch_at(&one, 19_998));
        assert!(!idle.touch_at(&two, 19_998));
        assert_eq!(idle.take_over_at(19_998), [two]);
        let listening = idle.during(&one).unwrap();
        assert_eq!(idle.take_over_at(1_000_000), Vec::<Arc<str>>::new());
        assert!(idle.touch_at(&one, 1_000_000));
        drop(listening);
        assert_eq!(idle.take_over_at(1_010_000), [one]);
    }

    #[test]
    fn without_a_limit_nothing_is_kept() {
        let idle = Arc::new(IdleSessions::new(None, Duration::from_secs(100)));
        let one: Arc<str> = "one".into();
        assert!(idle.touch_at(&one, 0) && idle.touch_at(&one, u64::MAX));
        assert!(idle.during(&one).is_none() && idle.pause().is_none());
        idle.seen.run_pending_tasks();
        assert_eq!(idle.seen.entry_count(), 0);
    }
}
