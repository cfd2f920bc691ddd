//! How many calls the holders of keys may make. Each replica counts for itself.

use super::{Action, Asked, Gate, Held, Hold, Refusal};
use crate::spec::Method;
use governor::{
    Quota, RateLimiter,
    clock::{Clock, MonotonicClock},
    middleware::NoOpMiddleware,
    state::{InMemoryState, NotKeyed},
};
use mcp_common::definition::api_key::{KeyLimits, Rate};
use std::{
    collections::HashMap,
    num::NonZeroU32,
    sync::{
        Arc, Mutex, PoisonError, RwLock,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// Nobody knows when a call that is under way will be over.
const SOON: Duration = Duration::from_secs(1);

type Limiter = RateLimiter<NotKeyed, InMemoryState, MonotonicClock, NoOpMiddleware<Instant>>;

/// What is counted of all keys that have limits.
#[derive(Default)]
pub struct CountedKeys(RwLock<HashMap<Arc<str>, Arc<Counted>>>);

/// One key.
struct Counted {
    limits: KeyLimits,
    rate: Option<Limiter>,
    under_way: AtomicU32,
    today: Mutex<Today>,
}

#[derive(Default)]
struct Today {
    /// Days after 1970-01-01.
    day: u64,
    calls: u32,
}

/// A call's place among those under way.
struct Place(Arc<Counted>);

impl CountedKeys {
    /// Forgets keys that are not there any more.
    pub fn keep(&self, is_there: impl Fn(&str) -> bool) {
        let mut keys = self.0.write().unwrap_or_else(PoisonError::into_inner);
        keys.retain(|key, _| is_there(key));
    }

    /// What is counted of the key; anew where its limits are others.
    fn of(&self, key: &Arc<str>, limits: KeyLimits) -> Arc<Counted> {
        let known = self
            .0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(key)
            .cloned();
        if let Some(known) = known.filter(|known| known.limits == limits) {
            return known;
        }
        let mut keys = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let counted = keys
            .entry(key.clone())
            .or_insert_with(|| Arc::new(Counted::new(limits)));
        if counted.limits != limits {
            *counted = Arc::new(Counted::new(limits));
        }
        counted.clone()
    }
}

impl Gate for CountedKeys {
    fn admit(&self, asked: &Asked<'_>) -> Result<Option<Hold>, Refusal> {
        let Action::Mcp { method, .. } = asked.action else {
            return Ok(None);
        };
        let grant = asked.principal.grant.as_deref().filter(|_| is_call(method));
        let Some((key, limits)) = grant.and_then(|grant| Some((grant.key()?, grant.limits()?))) else {
            return Ok(None);
        };
        self.of(key, limits).take(SystemTime::now())
    }
}

/// What makes work; lists are there already, and streams are bounded for each client.
fn is_call(method: Method) -> bool {
    matches!(
        method,
        Method::ToolsCall | Method::ResourcesRead | Method::PromptsGet | Method::CompletionComplete
    )
}

impl Counted {
    fn new(limits: KeyLimits) -> Self {
        Self {
            limits,
            rate: limits
                .rate
                .map(|rate| Limiter::direct_with_clock(quota(rate, limits.burst), MonotonicClock)),
            under_way: AtomicU32::new(0),
            today: Mutex::default(),
        }
    }

    /// The cheapest to give back comes first: a call that is refused is not counted.
    fn take(self: &Arc<Self>, now: SystemTime) -> Result<Option<Hold>, Refusal> {
        let place = self.place()?;
        self.count_today(now)?;
        let refused = self.rate.as_ref().and_then(|rate| rate.check().err());
        if let (Some(refused), Some(rate)) = (refused, self.limits.rate) {
            let mut today = self.today();
            today.calls = today.calls.saturating_sub(1);
            drop(today);
            let wait = refused.wait_time_from(MonotonicClock.now());
            return Err(limited(
                format!("this key may make {rate} calls (`limits.rate` of the key)"),
                wait,
            ));
        }
        Ok(place.map(|place| -> Hold { Box::new(place) }))
    }

    fn place(self: &Arc<Self>) -> Result<Option<Place>, Refusal> {
        let Some(most) = self.limits.concurrent else {
            return Ok(None);
        };
        let taken = self.under_way.fetch_add(1, Ordering::Relaxed);
        let place = Place(self.clone());
        if taken < most.get() {
            return Ok(Some(place));
        }
        let reason =
            format!("this key may have {most} calls under way at once (`limits.concurrent` of the key)");
        Err(limited(reason, SOON))
    }

    fn count_today(&self, now: SystemTime) -> Result<(), Refusal> {
        let Some(most) = self.limits.per_day else {
            return Ok(());
        };
        let since = now.duration_since(UNIX_EPOCH).unwrap_or_default();
        let day = since.as_secs() / DAY.as_secs();
        let mut today = self.today();
        if today.day != day {
            *today = Today { day, calls: 0 };
        }
        if today.calls >= most.get() {
            let midnight = DAY * u32::try_from(day + 1).unwrap_or(u32::MAX);
            let reason = format!("this key may make {most} calls a day, UTC (`limits.per_day` of the key)");
            return Err(limited(reason, midnight.saturating_sub(since)));
        }
        today.calls += 1;
        Ok(())
    }

    fn today(&self) -> std::sync::MutexGuard<'_, Today> {
        self.today.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held for Place {}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.under_way.fetch_sub(1, Ordering::Relaxed);
    }
}

fn quota(rate: Rate, burst: Option<NonZeroU32>) -> Quota {
    let quota = Quota::with_period(rate.between());
    quota
        .unwrap_or_else(|| Quota::per_second(rate.calls))
        .allow_burst(burst.unwrap_or(rate.calls))
}

fn limited(reason: String, retry_after: Duration) -> Refusal {
    Refusal::Limited { reason, retry_after }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(
        rate: Option<&str>,
        burst: Option<u32>,
        concurrent: Option<u32>,
        per_day: Option<u32>,
    ) -> Arc<Counted> {
        Arc::new(Counted::new(KeyLimits {
            rate: rate.map(|rate| rate.parse().unwrap()),
            burst: burst.and_then(NonZeroU32::new),
            concurrent: concurrent.and_then(NonZeroU32::new),
            per_day: per_day.and_then(NonZeroU32::new),
        }))
    }

    fn at(second: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(second)
    }

    /// How long the caller is told to wait, and which limit it is.
    fn refused(taken: Result<Option<Hold>, Refusal>) -> (Duration, String) {
        match taken {
            Err(Refusal::Limited { reason, retry_after }) => (retry_after, reason),
            Err(other) => panic!("{other}"),
            Ok(_) => panic!("let in"),
        }
    }

    #[test]
    fn a_burst_is_let_in_and_then_no_more_than_the_rate() {
        // The largest that a definition may have.
        assert!(counted(Some("1/d"), Some(366), None, None).take(at(0)).is_ok());
        let most = u32::MAX.to_string() + "/s";
        assert!(
            counted(Some(&most), Some(u32::MAX), None, None)
                .take(at(0))
                .is_ok()
        );
        for (rate, burst, at_once, between) in [
            ("5/h", None, 5, 12 * 60),
            ("60/d", Some(2), 2, 24 * 60),
            ("1/min", None, 1, 60),
        ] {
            let key = counted(Some(rate), burst, None, None);
            for _ in 0..at_once {
                assert!(key.take(at(0)).is_ok(), "{rate}");
            }
            let (wait, reason) = refused(key.take(at(0)));
            assert!(
                reason.contains(rate) && reason.contains("limits.rate"),
                "{reason}"
            );
            let expected = Duration::from_secs(between);
            assert!(wait <= expected && wait > expected * 9 / 10, "{rate}: {wait:?}");
        }
    }

    #[test]
    fn places_are_given_back_when_calls_are_over_and_when_they_are_refused() {
        let key = counted(Some("3/h"), None, Some(2), None);
        let held: Vec<_> = (0..2).map(|_| key.take(at(0)).ok().unwrap()).collect();
        assert!(refused(key.take(at(0))).1.contains("limits.concurrent"));
        drop(held);
        assert!(key.take(at(0)).is_ok(), "what was refused did not count");
        assert!(refused(key.take(at(0))).1.contains("limits.rate"));
        assert_eq!(key.under_way.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn a_day_ends_at_midnight() {
        let key = counted(None, None, None, Some(2));
        let evening = 3 * DAY.as_secs() - 90;
        assert!(key.take(at(evening)).is_ok() && key.take(at(evening)).is_ok());
        let (wait, reason) = refused(key.take(at(evening)));
        assert_eq!(wait, Duration::from_secs(90));
        assert!(reason.contains("2 calls a day"), "{reason}");
        assert!(key.take(at(evening + 90)).is_ok());
    }

    #[test]
    fn the_day_counts_what_was_let_in() {
        let key = counted(Some("1/h"), None, None, Some(2));
        assert!(key.take(at(0)).is_ok());
        assert!(refused(key.take(at(0))).1.contains("limits.rate"));
        assert_eq!(key.today().calls, 1);
    }

    #[test]
    fn other_limits_begin_anew_and_keys_that_are_gone_are_forgotten() {
        let keys = CountedKeys::default();
        let (key, limits) = (Arc::from("k"), counted(Some("1/h"), None, None, None).limits);
        assert!(keys.of(&key, limits).take(at(0)).is_ok());
        assert!(keys.of(&key, limits).take(at(0)).is_err());
        let more = counted(Some("2/h"), None, None, None).limits;
        assert!(keys.of(&key, more).take(at(0)).is_ok());
        keys.keep(|_| false);
        assert!(keys.of(&key, more).take(at(0)).is_ok() && keys.of(&key, more).take(at(0)).is_ok());
    }
}
