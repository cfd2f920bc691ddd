//! Somebody who may be away and whom many want to ask.

use super::Backoff;
use std::time::{Duration, Instant};

/// Failures in a row after which it counts as away: two may be chance.
const ENOUGH: u32 = 3;

/// Lets one attempt through in each interval while attempts fail, whoever wants how many; the others hear why the last one failed.
#[derive(Clone, Debug)]
pub struct Away {
    waits: Backoff,
    failures: u32,
    /// The next attempt may be made then.
    until: Option<Instant>,
    reason: String,
}

impl Away {
    /// There until attempts fail. The interval grows from the one to the other.
    pub fn between(first: Duration, longest: Duration) -> Self {
        Self {
            waits: Backoff::between(first, longest),
            failures: 0,
            until: None,
            reason: String::new(),
        }
    }

    /// Whether an attempt may be made now, which is then the only one of its interval; or why the last one failed.
    pub fn attempt(&mut self) -> Result<(), String> {
        let Some(until) = self.until else { return Ok(()) };
        let now = Instant::now();
        if now < until {
            return Err(self.reason.clone());
        }
        self.until = Some(now + self.waits.next_wait());
        Ok(())
    }

    /// An attempt failed.
    pub fn failed(&mut self, reason: &str) {
        self.failures = self.failures.saturating_add(1);
        reason.clone_into(&mut self.reason);
        if self.failures >= ENOUGH && self.until.is_none() {
            self.until = Some(Instant::now() + self.waits.next_wait());
        }
    }

    /// An attempt worked.
    pub fn worked(&mut self) {
        self.failures = 0;
        self.until = None;
        self.waits.reset();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_attempt_is_made_in_each_interval_until_one_works() {
        let hour = Duration::from_secs(3_600);
        let mut away = Away::between(hour, hour);
        for _ in 0..3 {
            assert_eq!(away.attempt(), Ok(()));
            away.failed("nobody is there");
        }
        for _ in 0..100 {
            assert_eq!(away.attempt(), Err("nobody is there".to_owned()));
        }
        // The interval is over.
        away.until = Some(Instant::now());
        assert_eq!(away.attempt(), Ok(()));
        assert!(away.attempt().is_err(), "it is asked by one at a time");
        away.worked();
        assert_eq!(away.attempt(), Ok(()));
        assert_eq!(away.attempt(), Ok(()));
    }
}
