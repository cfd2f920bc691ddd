//! What is counted of one limit of one holder.

use crate::policy::{Held, Refusal};
use governor::{
    Quota, RateLimiter,
    clock::{Clock, MonotonicClock},
    middleware::NoOpMiddleware,
    state::{InMemoryState, NotKeyed},
};
use mcp_common::{authenticator::PlacedLimits, definition::api_key::Rate};
use std::{
    num::NonZeroU32,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// Nobody knows when a call that is under way will be over.
const SOON: Duration = Duration::from_secs(1);

type Limiter = RateLimiter<NotKeyed, InMemoryState, MonotonicClock, NoOpMiddleware<Instant>>;

pub(super) struct Counted {
    pub(super) placed: PlacedLimits,
    rate: Option<Limiter>,
    pub(super) under_way: AtomicU32,
    today: Mutex<Today>,
}

#[derive(Default)]
struct Today {
    /// Days after 1970-01-01.
    day: u64,
    calls: u32,
}

/// A call's place among those under way.
pub(super) struct Place(Arc<Counted>);

impl Counted {
    pub(super) fn new(placed: PlacedLimits) -> Self {
        let limits = placed.limits;
        Self {
            rate: limits
                .rate
                .map(|rate| Limiter::direct_with_clock(quota(rate, limits.burst), MonotonicClock)),
            placed,
            under_way: AtomicU32::new(0),
            today: Mutex::default(),
        }
    }

    /// Whether calls of this tool are counted, or of something else.
    pub(super) fn is_about(&self, tool: Option<&str>) -> bool {
        let of_tools = self.placed.tools.as_ref();
        of_tools.is_none_or(|tools| tool.is_some_and(|tool| tools.matches(tool)))
    }

    pub(super) fn place(self: &Arc<Self>) -> Result<Option<Place>, Refusal> {
        let Some(most) = self.placed.limits.concurrent else {
            return Ok(None);
        };
        let taken = self.under_way.fetch_add(1, Ordering::Relaxed);
        let place = Place(self.clone());
        if taken < most.get() {
            return Ok(Some(place));
        }
        Err(self.limited(
            &format!("have {most} calls under way at once"),
            "concurrent",
            SOON,
        ))
    }

    pub(super) fn count_today(&self, now: SystemTime) -> Result<(), Refusal> {
        let Some(most) = self.placed.limits.per_day else {
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
            let wait = midnight.saturating_sub(since);
            return Err(self.limited(&format!("make {most} calls a day, UTC"), "per_day", wait));
        }
        today.calls += 1;
        Ok(())
    }

    /// After a call that was counted is refused.
    pub(super) fn uncount_today(&self) {
        let mut today = self.today();
        today.calls = today.calls.saturating_sub(1);
    }

    pub(super) fn check_rate(&self) -> Result<(), Refusal> {
        let refused = self.rate.as_ref().and_then(|rate| rate.check().err());
        let (Some(refused), Some(rate)) = (refused, self.placed.limits.rate) else {
            return Ok(());
        };
        let wait = refused.wait_time_from(MonotonicClock.now());
        Err(match &self.placed.tools {
            None => self.limited(&format!("make {rate} calls"), "rate", wait),
            Some(tools) => self.limited(&format!("make {rate} calls of `{}`", tools.0), "per_tool", wait),
        })
    }

    fn limited(&self, what: &str, member: &str, retry_after: Duration) -> Refusal {
        Refusal::Limited {
            reason: format!("you may {what} (`limits.{member}` of {})", self.placed.place),
            retry_after,
        }
    }

    #[cfg(test)]
    pub(super) fn calls_today(&self) -> u32 {
        self.today().calls
    }

    fn today(&self) -> MutexGuard<'_, Today> {
        self.today.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held for Vec<Place> {}

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
