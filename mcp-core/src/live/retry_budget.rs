//! How many further attempts are left.

use std::sync::atomic::{AtomicI64, Ordering};

const FULL_BUDGET: i64 = 100;
const RETRY_COST: i64 = 10;

/// Retries that a tool has left: an upstream that is down is not called many times as often as one that is up. Each
/// call earns a tenth of a retry.
#[derive(Debug)]
pub(crate) struct RetryBudget(AtomicI64);

impl Default for RetryBudget {
    /// Full.
    fn default() -> Self {
        Self(AtomicI64::new(FULL_BUDGET))
    }
}

impl RetryBudget {
    /// A call begins.
    pub(crate) fn earn(&self) {
        let earned = |left: i64| (left < FULL_BUDGET).then_some(left + 1);
        let _ = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, earned);
    }

    /// Whether one more retry may be.
    pub(crate) fn spend(&self) -> bool {
        let spent = |left: i64| (left >= RETRY_COST).then_some(left - RETRY_COST);
        self.0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, spent)
            .is_ok()
    }
}
