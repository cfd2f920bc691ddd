//! What is known of the tasks of one name.

use std::time::{Duration, Instant};

/// A task that ran this long after a panic works again; more than the longest wait between attempts.
const STEADY: Duration = Duration::from_secs(10);

#[derive(Debug, Default)]
pub(super) struct Row {
    /// How many of them there are, those included that wait to be started again.
    pub(super) running: u64,
    /// How many of those wait to be started again.
    pub(super) waiting: u64,
    /// How many of them the end waits for, by the way in which they end.
    pub(super) awaited: [u64; 2],
    restarts: u64,
    /// Panics that no restart has followed yet.
    owed: u64,
    failed_at: Option<Instant>,
}

/// How the tasks of one name are doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TaskReport {
    /// What they are.
    pub name: &'static str,
    /// How many run now.
    pub running: u64,
    /// How often one of them was started again after a panic.
    pub restarts: u64,
    /// Whether one panicked a moment ago, or waits to be started again.
    pub in_trouble: bool,
}

impl Row {
    pub(super) fn failed(&mut self) {
        self.owed += 1;
        self.failed_at = Some(Instant::now());
    }

    /// Something of this name begins; after a panic that is a restart.
    pub(super) fn started_anew(&mut self) {
        if self.owed > 0 {
            self.owed -= 1;
            self.restarts += 1;
        }
    }

    pub(super) fn is_in_trouble(&self) -> bool {
        self.owed > 0 || self.failed_at.is_some_and(|at| at.elapsed() < STEADY)
    }

    pub(super) fn report(&self, name: &'static str) -> TaskReport {
        TaskReport {
            name,
            running: self.running.saturating_sub(self.waiting),
            restarts: self.restarts,
            in_trouble: self.is_in_trouble(),
        }
    }
}
