//! What is counted of one limit of one holder.

use super::names;
use crate::policy::{
    Refusal,
    standing::{Line, Standing},
};
use governor::{
    Quota, RateLimiter,
    clock::{Clock, MonotonicClock},
    middleware::StateInformationMiddleware,
    state::{InMemoryState, NotKeyed},
};
use mcp_common::{
    authenticator::{LimitScope, PlacedLimits},
    definition::Rate,
    tally::{Count, Most},
};
use std::{
    num::NonZeroU32,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// Nobody knows when a call that is under way will be over.
const SOON: Duration = Duration::from_secs(1);

type Limiter = RateLimiter<NotKeyed, InMemoryState, MonotonicClock, StateInformationMiddleware>;

pub(super) struct Counted {
    pub(super) placed: PlacedLimits,
    rate: Option<Limiter>,
    pub(super) under_way: AtomicU32,
    today: Mutex<Today>,
    /// The same for all replicas, where they count together.
    together: OnceLock<Box<[Count]>>,
    /// All replicas together have made so many calls that none is worth asking about until then.
    used_up: Mutex<Option<(Part, Instant)>>,
}

/// A part of a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Concurrent,
    PerDay,
    Rate,
}

#[derive(Default)]
struct Today {
    /// Days after 1970-01-01.
    day: u64,
    calls: u32,
}

impl Today {
    /// Also where the clock was set back over midnight: what has been counted is not forgotten for that.
    fn goes_on_at(&self, day: u64) -> bool {
        self.day == day || self.day == day + 1
    }
}

/// A call that is not made now.
#[derive(Debug)]
pub(super) struct Refused {
    /// The member of `limits`.
    pub(super) limit: &'static str,
    /// Whose limits they are, and as people are told.
    pub(super) scope: LimitScope,
    pub(super) place: Arc<str>,
    pub(super) refusal: Refusal,
}

/// A call's place among those under way.
pub(super) struct Place(Arc<Counted>);

impl Counted {
    pub(super) fn new(placed: PlacedLimits) -> Self {
        let limits = placed.limits;
        let limiter = |rate| {
            RateLimiter::direct_with_clock(quota(rate, limits.burst), MonotonicClock)
                .with_middleware::<StateInformationMiddleware>()
        };
        Self {
            rate: limits.rate.map(limiter),
            placed,
            under_way: AtomicU32::new(0),
            today: Mutex::default(),
            together: OnceLock::new(),
            used_up: Mutex::default(),
        }
    }

    /// Whether calls of this tool are counted, or of something else.
    pub(super) fn is_about(&self, tool: Option<&str>) -> bool {
        let of_tools = self.placed.tools.as_ref();
        of_tools.is_none_or(|tools| tool.is_some_and(|tool| tools.matches(tool)))
    }

    pub(super) fn place(self: &Arc<Self>) -> Result<Option<Place>, Refused> {
        let Some(most) = self.placed.limits.concurrent else {
            return Ok(None);
        };
        let taken = self.under_way.fetch_add(1, Ordering::Relaxed);
        let place = Place(self.clone());
        if taken < most.get() {
            return Ok(Some(place));
        }
        Err(self.refusal(Part::Concurrent, SOON))
    }

    pub(super) fn count_today(&self, now: SystemTime, standing: &mut Standing) -> Result<(), Refused> {
        let Some(most) = self.placed.limits.per_day else {
            return Ok(());
        };
        let since = now.duration_since(UNIX_EPOCH).unwrap_or_default();
        let day = since.as_secs() / DAY.as_secs();
        let mut today = self.today();
        if !today.goes_on_at(day) {
            *today = Today { day, calls: 0 };
        }
        let wait = until_midnight(now);
        if today.calls >= most.get() {
            return Err(self.refusal(Part::PerDay, wait));
        }
        today.calls += 1;
        standing.extend(self.line(Part::PerDay, most.get() - today.calls, wait));
        Ok(())
    }

    /// After a call that was counted is refused.
    pub(super) fn uncount_today(&self) {
        let mut today = self.today();
        today.calls = today.calls.saturating_sub(1);
    }

    pub(super) fn check_rate(&self, standing: &mut Standing) -> Result<(), Refused> {
        let Some(rate) = &self.rate else { return Ok(()) };
        match rate.check() {
            Ok(state) => {
                let left = state.remaining_burst_capacity();
                standing.extend(self.line(Part::Rate, left, self.refilled(left)));
                Ok(())
            }
            Err(refused) => Err(self.refusal(Part::Rate, refused.wait_time_from(MonotonicClock.now()))),
        }
    }

    /// Counts a call that all replicas together have let in, for the time when this one will be alone.
    pub(super) fn note(&self, now: SystemTime) {
        let mut unheard = Standing::default();
        let _ = self.count_today(now, &mut unheard);
        let _ = self.check_rate(&mut unheard);
    }

    /// What all replicas count of it, by parts.
    pub(super) fn together(&self) -> impl Iterator<Item = (Part, &Count)> {
        let counts = self.together.get_or_init(|| self.counts());
        counts.iter().map(|count| match count.most {
            Most::Concurrent(_) => (Part::Concurrent, count),
            Most::PerDay(_) => (Part::PerDay, count),
            Most::Rate { .. } => (Part::Rate, count),
        })
    }

    /// What one has let in and the next one refuses has been counted by none; the order says which one the refusal names.
    fn counts(&self) -> Box<[Count]> {
        let limits = self.placed.limits;
        let concurrent = limits.concurrent.map(|most| Most::Concurrent(most.get()));
        let per_day = limits.per_day.map(|most| Most::PerDay(most.get()));
        let rate = limits.rate.map(|rate| Most::Rate {
            between: rate.between(),
            burst: limits.burst.unwrap_or(rate.calls).get(),
        });
        let all = [concurrent, per_day, rate].into_iter().flatten();
        all.map(|most| Count {
            name: names::of_limit(&self.placed, most),
            most,
        })
        .collect()
    }

    /// The refusal of all replicas together, while it is known to hold.
    pub(super) fn known_refusal(&self) -> Option<Refused> {
        let used_up = *self.used_up();
        let (part, until) = used_up?;
        let wait = until.checked_duration_since(Instant::now())?;
        (!wait.is_zero()).then(|| self.refusal(part, wait))
    }

    /// The refusal of all replicas together. Nothing makes it void sooner but a call under way that ends.
    pub(super) fn refused_together(&self, part: Part, wait: Duration) -> Refused {
        if part != Part::Concurrent {
            *self.used_up() = Instant::now().checked_add(wait).map(|until| (part, until));
        }
        self.refusal(part, wait)
    }

    /// Where the caller stands with it, where that can be said.
    pub(super) fn line(&self, part: Part, left: u32, reset: Duration) -> Option<Line> {
        let limits = &self.placed.limits;
        let (name, quota, window) = match part {
            Part::Concurrent => return None,
            Part::PerDay => ("per_day", limits.per_day?.get(), DAY),
            Part::Rate => {
                let rate = limits.rate?;
                let quota = limits.burst.unwrap_or(rate.calls).get();
                (self.member(part), quota, rate.between().saturating_mul(quota))
            }
        };
        Some(Line {
            name,
            quota,
            window,
            left,
            reset,
        })
    }

    /// The same by what all replicas have counted.
    pub(super) fn line_together(&self, part: Part, left: u32, now: SystemTime) -> Option<Line> {
        let reset = match part {
            Part::PerDay => until_midnight(now),
            Part::Concurrent | Part::Rate => self.refilled(left),
        };
        self.line(part, left, reset)
    }

    /// How long it takes until all of the burst is there again.
    fn refilled(&self, left: u32) -> Duration {
        let Some(rate) = self.placed.limits.rate else {
            return Duration::ZERO;
        };
        let burst = self.placed.limits.burst.unwrap_or(rate.calls).get();
        rate.between().saturating_mul(burst.saturating_sub(left))
    }

    fn member(&self, part: Part) -> &'static str {
        match part {
            Part::Concurrent => "concurrent",
            Part::PerDay => "per_day",
            Part::Rate if self.placed.tools.is_some() => "per_tool",
            Part::Rate => "rate",
        }
    }

    fn refusal(&self, part: Part, retry_after: Duration) -> Refused {
        let limits = &self.placed.limits;
        let number = |most: Option<NonZeroU32>| most.map_or(0, NonZeroU32::get);
        let what = match (part, limits.rate, &self.placed.tools) {
            (Part::Concurrent, ..) => {
                format!("have {} calls under way at once", number(limits.concurrent))
            }
            (Part::PerDay, ..) => format!("make {} calls a day, UTC", number(limits.per_day)),
            (Part::Rate, Some(rate), Some(tools)) => format!("make {rate} calls of `{}`", tools.0),
            (Part::Rate, Some(rate), None) => format!("make {rate} calls"),
            (Part::Rate, None, _) => "make no calls now".to_owned(),
        };
        let member = self.member(part);
        let who = match self.placed.scope.is_shared() {
            true => "all callers together",
            false => "you",
        };
        Refused {
            limit: member,
            scope: self.placed.scope,
            place: self.placed.place.clone(),
            refusal: Refusal::Limited {
                reason: format!("{who} may {what} (`limits.{member}` of {})", self.placed.place),
                retry_after,
                standing: self.line(part, 0, retry_after).map(Standing::of),
            },
        }
    }

    #[cfg(test)]
    pub(super) fn calls_today(&self) -> u32 {
        self.today().calls
    }

    fn today(&self) -> MutexGuard<'_, Today> {
        self.today.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn used_up(&self) -> MutexGuard<'_, Option<(Part, Instant)>> {
        self.used_up.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.under_way.fetch_sub(1, Ordering::Relaxed);
    }
}

fn until_midnight(now: SystemTime) -> Duration {
    let since = now.duration_since(UNIX_EPOCH).unwrap_or_default();
    let day = since.as_secs() / DAY.as_secs();
    let midnight = DAY * u32::try_from(day + 1).unwrap_or(u32::MAX);
    midnight.saturating_sub(since)
}

fn quota(rate: Rate, burst: Option<NonZeroU32>) -> Quota {
    let quota = Quota::with_period(rate.between());
    quota
        .unwrap_or_else(|| Quota::per_second(rate.calls))
        .allow_burst(burst.unwrap_or(rate.calls))
}
