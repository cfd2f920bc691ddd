//! What probes say of an endpoint, and how one that came back is eased in.

use super::millis;
use mcp_common::definition::upstream::Health as Definition;
use std::{
    sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering},
    time::Duration,
};

/// The least that an endpoint gets of its share after its return, in percent.
const LEAST: u64 = 10;

/// How many probes count, and what follows.
#[derive(Clone, Copy, Debug)]
pub(super) struct HealthRule {
    healthy: u32,
    unhealthy: u32,
    pub(super) panic_percent: usize,
    /// Milliseconds.
    slow_start: u64,
    /// Whether anybody probes; what was found out before that was switched off does not count.
    pub(super) is_probed: bool,
    pub(super) interval: Duration,
    pub(super) timeout: Duration,
}

impl HealthRule {
    pub(super) fn of(definition: &Definition) -> Self {
        Self {
            healthy: definition.healthy_threshold,
            unhealthy: definition.unhealthy_threshold,
            panic_percent: definition.panic_percent as usize,
            slow_start: millis(definition.slow_start_seconds),
            is_probed: definition.enabled,
            interval: Duration::from_secs(definition.interval_seconds.into()),
            timeout: Duration::from_secs(definition.timeout_seconds.into()),
        }
    }
}

/// The health of one endpoint.
#[derive(Debug, Default)]
pub(super) struct Health {
    is_out: AtomicBool,
    /// Probes that say the contrary, one after the other.
    contrary: AtomicU32,
    /// When it came back; 0 for never, or long ago.
    returned: AtomicU64,
}

impl Health {
    /// Whether probes took it out.
    pub(super) fn is_out(&self) -> bool {
        self.is_out.load(Ordering::Relaxed)
    }

    /// A probe ended; returns whether the endpoint is out from now on, if that changed. Only one probe at a time.
    pub(super) fn probed(&self, is_good: bool, now: u64, rule: HealthRule) -> Option<bool> {
        let is_out = self.is_out();
        if is_good != is_out {
            self.contrary.store(0, Ordering::Relaxed);
            return None;
        }
        let needed = if is_out { rule.healthy } else { rule.unhealthy };
        if self.contrary.fetch_add(1, Ordering::Relaxed) + 1 < needed {
            return None;
        }
        self.contrary.store(0, Ordering::Relaxed);
        self.is_out.store(!is_out, Ordering::Relaxed);
        if is_out {
            self.came_back(now);
        }
        Some(!is_out)
    }

    pub(super) fn came_back(&self, now: u64) {
        self.returned.store(now, Ordering::Relaxed);
    }

    /// How much of its share it gets now, in percent.
    pub(super) fn share(&self, now: u64, rule: HealthRule) -> u64 {
        let returned = self.returned.load(Ordering::Relaxed);
        if returned == 0 {
            return 100;
        }
        let since = now.saturating_sub(returned);
        if since >= rule.slow_start {
            self.returned.store(0, Ordering::Relaxed);
            return 100;
        }
        (since * 100 / rule.slow_start).max(LEAST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULE: HealthRule = HealthRule {
        healthy: 2,
        unhealthy: 3,
        panic_percent: 30,
        slow_start: 10_000,
        is_probed: true,
        interval: Duration::ZERO,
        timeout: Duration::ZERO,
    };

    #[test]
    fn as_many_probes_as_the_document_says_change_it() {
        let health = Health::default();
        let probe = |is_good| health.probed(is_good, 1, RULE);
        assert_eq!([false, false, true, false, false].map(probe), [None; 5]);
        assert_eq!(probe(false), Some(true));
        assert!(health.is_out());
        assert_eq!([false, true, false, true].map(probe), [None; 4]);
        assert_eq!(probe(true), Some(false));
        assert!(!health.is_out());
    }

    #[test]
    fn the_share_grows_after_a_return() {
        let health = Health::default();
        assert_eq!(health.share(5, RULE), 100);
        health.came_back(1_000);
        let shares = [1_000, 3_500, 6_000, 11_000, 1_000].map(|now| health.share(now, RULE));
        assert_eq!(shares, [10, 25, 50, 100, 100]);
    }
}
