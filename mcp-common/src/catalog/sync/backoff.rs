//! How long to wait before the next attempt.

use std::{
    hash::{BuildHasher, RandomState},
    time::Duration,
};

const FIRST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(10);

/// Doubles from a tenth of a second to ten seconds. Each wait is half fixed, half chance, so that replicas that lost
/// a store together do not come back together.
#[derive(Debug, Default)]
pub(super) struct Backoff {
    attempts: u32,
}

impl Backoff {
    pub(super) fn next(&mut self) -> Duration {
        let longest = FIRST.saturating_mul(1 << self.attempts.min(16)).min(LONGEST);
        self.attempts = self.attempts.saturating_add(1);
        // Every `RandomState` is seeded differently, which is chance enough here.
        let chance = RandomState::new().hash_one(self.attempts) as f64 / u64::MAX as f64;
        longest.mul_f64(0.5 + chance / 2.0)
    }

    pub(super) fn reset(&mut self) {
        self.attempts = 0;
    }

    /// Nothing went wrong since the last success.
    pub(super) fn is_fresh(&self) -> bool {
        self.attempts == 0
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
        assert!(backoff.is_fresh() && backoff.next() <= FIRST);
    }
}
