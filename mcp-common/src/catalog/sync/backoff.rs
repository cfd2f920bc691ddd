//! How long to wait before the next attempt.

use std::{
    hash::{BuildHasher, RandomState},
    time::Duration,
};

const FIRST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(5);

/// Doubles from a tenth of a second to five seconds. Each wait is half fixed, half chance, so that replicas that lost
/// a store together do not come back together.
#[derive(Debug, Default)]
pub(super) struct Backoff {
    attempts: u32,
    /// Lost changes were answered by a load, and nothing has worked since.
    has_loaded_at_once: bool,
}

impl Backoff {
    pub(super) fn next(&mut self) -> Duration {
        let longest = FIRST.saturating_mul(1 << self.attempts.min(16)).min(LONGEST);
        self.attempts = self.attempts.saturating_add(1);
        // Every `RandomState` is seeded differently, which is chance enough here.
        let chance = RandomState::new().hash_one(self.attempts) as f64 / u64::MAX as f64;
        longest.mul_f64(0.5 + chance / 2.0)
    }

    /// The wait where the store is there and no longer has the changes. Loading is the answer to it, not waiting,
    /// however long the store was away before; but a source that says so twice in a row has to wait.
    pub(super) fn after_loss(&mut self) -> Duration {
        if std::mem::replace(&mut self.has_loaded_at_once, true) {
            self.next()
        } else {
            Duration::ZERO
        }
    }

    pub(super) fn reset(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grows_to_its_bound_and_starts_over() {
        let mut backoff = Backoff::default();
        for attempt in 0..40 {
            let wait = backoff.next();
            let longest = FIRST.saturating_mul(1 << attempt.min(16)).min(LONGEST);
            assert!(
                wait >= longest / 2 && wait <= longest,
                "attempt {attempt}: {wait:?}"
            );
        }
        backoff.reset();
        assert!(backoff.next() <= FIRST);
    }

    #[test]
    fn changes_that_are_lost_are_loaded_at_once_after_an_outage_too() {
        let mut backoff = Backoff::default();
        for _ in 0..20 {
            backoff.next();
        }
        assert_eq!(backoff.after_loss(), Duration::ZERO);
        assert!(backoff.after_loss() >= LONGEST / 2, "said twice in a row");
        backoff.reset();
        assert_eq!(backoff.after_loss(), Duration::ZERO);
    }
}
