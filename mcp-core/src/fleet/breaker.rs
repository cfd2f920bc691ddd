//! Lets an endpoint alone that keeps failing (Nygard, "Release It!"): closed, open for a while, then one request that decides.

use super::millis;
use mcp_common::definition::upstream::Breaker as Definition;
use std::sync::atomic::{AtomicU64, Ordering};

/// When it opens, and for how long. Milliseconds.
#[derive(Clone, Copy, Debug)]
pub(super) struct BreakerRule {
    failures: u64,
    window: u64,
    cool_down: u64,
}

impl BreakerRule {
    pub(super) fn of(definition: &Definition) -> Self {
        Self {
            failures: definition.failures.into(),
            window: millis(definition.window_seconds),
            cool_down: millis(definition.cool_down_seconds),
        }
    }
}

/// The breaker of one endpoint. Times are those of the fleet's clock, which is never at 0.
#[derive(Debug, Default)]
pub(super) struct Breaker {
    /// 0: closed. [`DECIDING`]: the one request is under way. Else open until then.
    state: AtomicU64,
    /// Failures one after the other: the time of the first and their number.
    run: AtomicU64,
}

const DECIDING: u64 = u64::MAX;
const COUNT_BITS: u32 = 16;
const MOST: u64 = (1 << COUNT_BITS) - 1;

/// What a breaker says to one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Admission {
    /// It is closed.
    Free,
    /// It is half open, and this is the request that decides.
    Decides,
    /// Nothing is sent now.
    Refused,
}

/// What happened to a breaker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    None,
    Opened,
    Closed,
}

/// How a breaker stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stand {
    Closed,
    /// Until this time.
    Open(u64),
    HalfOpen,
}

impl Breaker {
    /// Whether it would let a request through now.
    pub(super) fn would_admit(&self, now: u64) -> bool {
        let state = self.state.load(Ordering::Relaxed);
        state == 0 || state != DECIDING && state <= now
    }

    /// Lets a request through, or not. Who decides has to say how it ended.
    pub(super) fn admit(&self, now: u64) -> Admission {
        let state = self.state.load(Ordering::Acquire);
        if state == 0 {
            return Admission::Free;
        }
        if state == DECIDING || state > now {
            return Admission::Refused;
        }
        let taken = self
            .state
            .compare_exchange(state, DECIDING, Ordering::AcqRel, Ordering::Relaxed);
        match taken {
            Ok(_) => Admission::Decides,
            Err(_) => Admission::Refused,
        }
    }

    /// A request went well. Those that were under way when it opened do not close it.
    pub(super) fn succeeded(&self, decides: bool) -> Change {
        if self.run.load(Ordering::Relaxed) != 0 {
            self.run.store(0, Ordering::Relaxed);
        }
        match decides {
            true => {
                self.state.store(0, Ordering::Release);
                Change::Closed
            }
            false => Change::None,
        }
    }

    /// A request failed.
    pub(super) fn failed(&self, decides: bool, now: u64, rule: BreakerRule) -> Change {
        let until = now + rule.cool_down;
        if decides {
            self.state.store(until, Ordering::Release);
            return Change::None;
        }
        let counted = |run: u64| {
            let (first, count) = (run >> COUNT_BITS, run & MOST);
            let is_new = count == 0 || now.saturating_sub(first) > rule.window;
            let (first, count) = if is_new { (now, 1) } else { (first, count + 1) };
            Some(first << COUNT_BITS | count.min(MOST))
        };
        let before = self
            .run
            .fetch_update(Ordering::AcqRel, Ordering::Relaxed, counted);
        let count = before.ok().and_then(counted).unwrap_or_default() & MOST;
        if count < rule.failures {
            return Change::None;
        }
        let opened = self
            .state
            .compare_exchange(0, until, Ordering::AcqRel, Ordering::Relaxed);
        match opened {
            Ok(_) => {
                self.run.store(0, Ordering::Relaxed);
                Change::Opened
            }
            Err(_) => Change::None,
        }
    }

    /// The request that was to decide ended without saying anything about the endpoint: the next one decides.
    pub(super) fn undecided(&self, now: u64) {
        self.state.store(now, Ordering::Release);
    }

    pub(super) fn stand(&self, now: u64) -> Stand {
        match self.state.load(Ordering::Relaxed) {
            0 => Stand::Closed,
            until if until != DECIDING && until > now => Stand::Open(until),
            _ => Stand::HalfOpen,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULE: BreakerRule = BreakerRule {
        failures: 5,
        window: 30_000,
        cool_down: 10_000,
    };

    fn open(breaker: &Breaker, now: u64) {
        for _ in 0..4 {
            assert_eq!(breaker.failed(false, now, RULE), Change::None);
        }
        assert_eq!(breaker.failed(false, now, RULE), Change::Opened);
    }

    #[test]
    fn failures_one_after_the_other_open_it_and_one_request_decides() {
        let breaker = Breaker::default();
        open(&breaker, 1_000);
        assert_eq!(breaker.stand(1_000), Stand::Open(11_000));
        assert_eq!(breaker.admit(10_999), Admission::Refused);
        assert!(!breaker.would_admit(10_999));
        assert_eq!(breaker.stand(11_000), Stand::HalfOpen);
        assert_eq!(breaker.admit(11_000), Admission::Decides);
        for later in [11_000, 12_000, 1_000_000] {
            assert_eq!(
                breaker.admit(later),
                Admission::Refused,
                "while that is under way"
            );
        }
        assert_eq!(breaker.failed(true, 12_000, RULE), Change::None);
        assert_eq!(breaker.stand(12_000), Stand::Open(22_000));
        assert_eq!(breaker.admit(22_000), Admission::Decides);
        assert_eq!(breaker.succeeded(true), Change::Closed);
        assert_eq!(breaker.admit(22_000), Admission::Free);
        open(&breaker, 22_000);
    }

    #[test]
    fn a_success_or_much_time_between_failures_keeps_it_closed() {
        let breaker = Breaker::default();
        for _ in 0..20 {
            for _ in 0..4 {
                assert_eq!(breaker.failed(false, 1, RULE), Change::None);
            }
            breaker.succeeded(false);
        }
        for minute in 1..20 {
            assert_eq!(breaker.failed(false, minute * 60_000, RULE), Change::None);
        }
        assert_eq!(breaker.stand(1), Stand::Closed);
    }

    #[test]
    fn what_was_under_way_when_it_opened_changes_nothing() {
        let breaker = Breaker::default();
        open(&breaker, 1_000);
        assert_eq!(breaker.failed(false, 5_000, RULE), Change::None);
        assert_eq!(breaker.succeeded(false), Change::None);
        assert_eq!(breaker.stand(5_000), Stand::Open(11_000));
    }

    #[test]
    fn a_decision_that_never_came_is_the_next_ones() {
        let breaker = Breaker::default();
        open(&breaker, 1_000);
        assert_eq!(breaker.admit(11_000), Admission::Decides);
        breaker.undecided(11_500);
        assert_eq!(breaker.admit(11_500), Admission::Decides);
    }
}
