//! How often one caller may change something: a bucket that fills again.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

/// Changes at once.
const BURST: f64 = 100.0;
/// Changes for each second after that.
const RATE: f64 = 5.0;
/// Callers that are remembered; those whose bucket is full are forgotten first.
const MOST: usize = 10_000;

#[derive(Debug, Default)]
pub(super) struct Allowances(Mutex<BTreeMap<Arc<str>, (f64, Instant)>>);

impl Allowances {
    /// Takes one, or says how long to wait.
    pub(super) fn take(&self, owner: &Arc<str>, now: Instant) -> Result<(), Duration> {
        let mut buckets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let filled = |(left, at): (f64, Instant)| {
            (left + now.saturating_duration_since(at).as_secs_f64() * RATE).min(BURST)
        };
        if buckets.len() >= MOST && !buckets.contains_key(owner) {
            buckets.retain(|_, bucket| filled(*bucket) < BURST);
        }
        let left = buckets.get(owner).map_or(BURST, |bucket| filled(*bucket));
        if left < 1.0 {
            return Err(Duration::from_secs_f64((1.0 - left) / RATE));
        }
        buckets.insert(owner.clone(), (left - 1.0, now));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_of_one_is_bounded_and_costs_others_nothing() {
        let (allowances, start) = (Allowances::default(), Instant::now());
        let (one, other) = ("one".into(), "other".into());
        let taken = (0..1_000)
            .filter(|_| allowances.take(&one, start).is_ok())
            .count();
        assert_eq!(taken, BURST as usize);
        assert!(allowances.take(&one, start).unwrap_err() <= Duration::from_millis(200));
        assert!(allowances.take(&other, start).is_ok());
        let later = start + Duration::from_secs(2);
        let taken = (0..1_000)
            .filter(|_| allowances.take(&one, later).is_ok())
            .count();
        assert_eq!(taken, (2.0 * RATE) as usize);
    }
}
