//! How many further attempts are left.

use std::sync::atomic::{AtomicI64, Ordering};

/// What one retry costs; a call earns 1.
const COST: i64 = 10;
/// Retries in stock where nobody says otherwise.
const USUAL_STOCK: u32 = 10;

/// Retries that are left: an upstream that is down is not called many times as often as one that is up. Each call earns a tenth of a retry.
#[derive(Debug)]
pub(crate) struct RetryBudget {
    left: AtomicI64,
    full: i64,
}

impl Default for RetryBudget {
    fn default() -> Self {
        Self::holding(USUAL_STOCK)
    }
}

impl RetryBudget {
    /// Full; it holds so many retries.
    pub(crate) fn holding(stock: u32) -> Self {
        let full = i64::from(stock) * COST;
        Self {
            left: AtomicI64::new(full),
            full,
        }
    }

    /// A call begins.
    pub(crate) fn earn(&self) {
        // Read first: while it is full, which is the rule, nobody writes.
        if self.left.load(Ordering::Relaxed) >= self.full {
            return;
        }
        let earned = |left: i64| (left < self.full).then_some(left + 1);
        let _ = self
            .left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, earned);
    }

    /// Whether one more retry may be.
    pub(crate) fn spend(&self) -> bool {
        let spent = |left: i64| (left >= COST).then_some(left - COST);
        self.left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, spent)
            .is_ok()
    }
}
