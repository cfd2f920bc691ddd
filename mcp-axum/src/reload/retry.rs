//! When a configuration that could not come into effect is tried again: what is wrong may be a file that it names, or a server that is away, and
//! nobody would write it anew for that.

use mcp_common::backoff::Backoff;
use std::time::{Duration, Instant};

const FIRST: Duration = Duration::from_secs(2);
const LONGEST: Duration = Duration::from_secs(60);

/// Whether and when.
pub(super) struct Retry {
    waits: Backoff,
    at: Option<Instant>,
}

impl Default for Retry {
    fn default() -> Self {
        Self {
            waits: Backoff::between(FIRST, LONGEST),
            at: None,
        }
    }
}

impl Retry {
    /// Whether it is time for it.
    pub(super) fn is_due(&self) -> bool {
        self.at.is_some_and(|at| Instant::now() >= at)
    }

    /// It was tried. `is_new`: it was another configuration than the time before.
    pub(super) fn tried(&mut self, is_in_effect: bool, is_new: bool) {
        if is_in_effect || is_new {
            self.waits.reset();
        }
        self.at = (!is_in_effect).then(|| Instant::now() + self.waits.next_wait());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_failed_is_tried_again_and_what_came_into_effect_is_not() {
        let mut retry = Retry::default();
        assert!(!retry.is_due());
        retry.tried(false, true);
        let first = retry.at.unwrap();
        assert!(first > Instant::now() && !retry.is_due());
        for _ in 0..5 {
            retry.tried(false, false);
        }
        assert!(retry.at.unwrap() > first + FIRST, "later and later");
        retry.at = Some(Instant::now());
        assert!(retry.is_due());
        retry.tried(true, false);
        assert!(!retry.is_due() && retry.at.is_none());
    }
}
