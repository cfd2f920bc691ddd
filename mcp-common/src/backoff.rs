//! How long to wait before the next attempt at something that failed.

mod away;

pub use away::Away;
use std::{
    hash::{BuildHasher, RandomState},
    time::Duration,
};

/// The wait after the first failure, at most.
pub const FIRST: Duration = Duration::from_millis(100);
/// The longest wait.
pub const LONGEST: Duration = Duration::from_secs(5);

/// Doubles, from a tenth of a second to five seconds where nothing else is said. Each wait is half fixed, half chance, so that replicas that lost
/// a store together do not come back together.
#[derive(Clone, Debug)]
pub struct Backoff {
    first: Duration,
    longest: Duration,
    attempts: u32,
}

impl Default for Backoff {
    fn default() -> Self {
        Self::between(FIRST, LONGEST)
    }
}

impl Backoff {
    /// The same with another first wait, and another longest one.
    pub fn between(first: Duration, longest: Duration) -> Self {
        Self {
            first,
            longest,
            attempts: 0,
        }
    }

    /// The wait before the next attempt.
    pub fn next_wait(&mut self) -> Duration {
        let longest = self
            .first
            .saturating_mul(1 << self.attempts.min(16))
            .min(self.longest);
        self.attempts = self.attempts.saturating_add(1);
        // Every `RandomState` is seeded differently, which is chance enough here.
        let chance = RandomState::new().hash_one(self.attempts) as f64 / u64::MAX as f64;
        longest.mul_f64(0.5 + chance / 2.0)
    }

    /// An attempt worked: the next failure is the first again.
    pub fn reset(&mut self) {
        self.attempts = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grows_to_its_bound_and_starts_over() {
        let mut backoff = Backoff::default();
        for attempt in 0..40 {
            let wait = backoff.next_wait();
            let longest = FIRST.saturating_mul(1 << attempt.min(16)).min(LONGEST);
            assert!(
                wait >= longest / 2 && wait <= longest,
                "attempt {attempt}: {wait:?}"
            );
        }
        backoff.reset();
        assert!(backoff.next_wait() <= FIRST);
    }

    #[test]
    fn bounds_of_its_own_hold() {
        let (first, longest) = (Duration::from_secs(1), Duration::from_secs(60));
        let mut backoff = Backoff::between(first, longest);
        assert!(backoff.next_wait() >= first / 2);
        for _ in 0..40 {
            backoff.next_wait();
        }
        backoff.reset();
        assert!(backoff.next_wait() <= first);
        for _ in 0..40 {
            assert!(backoff.next_wait() <= longest);
        }
        assert!(backoff.next_wait() >= longest / 2);
    }
}
