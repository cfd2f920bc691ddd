//! Numbers by chance, for choices that nobody can gain from knowing.

use std::sync::atomic::{AtomicU64, Ordering};

/// SplitMix64 (Steele, Lea, Flood 2014): one addition, shared by all threads.
#[derive(Debug)]
pub(super) struct Dice(AtomicU64);

const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

impl Default for Dice {
    fn default() -> Self {
        Self(AtomicU64::new(getrandom::u64().unwrap_or(STEP)))
    }
}

impl Dice {
    fn next(&self) -> u64 {
        mix(self.0.fetch_add(STEP, Ordering::Relaxed).wrapping_add(STEP))
    }

    /// From 0 up to the bound, which is not among them; 0 where there is none.
    pub(super) fn below(&self, bound: u64) -> u64 {
        // The high half of the product is as even as 64 bits can be.
        let product = u128::from(self.next()) * u128::from(bound);
        u64::try_from(product >> 64).unwrap_or_default()
    }
}

/// Every bit of the input changes half of the output's.
pub(super) fn mix(mut word: u64) -> u64 {
    word = (word ^ word >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    word = (word ^ word >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ word >> 31
}
