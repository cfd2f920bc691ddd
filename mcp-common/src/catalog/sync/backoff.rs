//! How long a synchronisation waits before it tries again.

use crate::backoff;
use std::time::Duration;

/// The usual waits, but for changes that the store has forgotten.
#[derive(Debug, Default)]
pub(super) struct Backoff {
    waits: backoff::Backoff,
    /// Lost changes were answered by a load, and nothing has worked since.
    has_loaded_at_once: bool,
}

impl Backoff {
    pub(super) fn next(&mut self) -> Duration {
        self.waits.next_wait()
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
    use crate::backoff::LONGEST;

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
