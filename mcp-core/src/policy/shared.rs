//! Limits that all replicas count together, and what happens while they cannot: each of them counts alone then, and no call waits.

mod lease;
mod metrics;

pub(super) use lease::Lease;
pub use metrics::SharedMetrics;

use lease::{Over, Places};
use mcp_common::{
    backoff::Backoff,
    tally::{Count, Counting, Taken, Tally, Wanted},
};
use metrics::Outcome;
use std::{
    hash::{BuildHasher, RandomState},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::time::{sleep, timeout};

/// How long a call under way counts that nobody says more of: its replica was killed.
const LEASE: Duration = Duration::from_secs(15);
/// How long connecting may take; no call waits for it.
const CONNECTING: Duration = Duration::from_secs(2);
/// How often things are done beside calls.
const PACE: Pace = Pace {
    keeping: Duration::from_secs(5),
    waits: (Duration::from_millis(100), Duration::from_secs(2)),
};

#[derive(Clone, Copy)]
struct Pace {
    /// How often it is said that calls are still under way, and looked whether others would be counted.
    keeping: Duration,
    /// Between two attempts to come back: the first and the longest.
    waits: (Duration, Duration),
}

/// What all replicas count together. Shared by all workers.
pub struct SharedLimits {
    tally: Arc<dyn Tally>,
    /// How long a call waits for it.
    patience: Duration,
    pace: Pace,
    metrics: SharedMetrics,
    /// Looked at by every call that has limits.
    is_there: AtomicBool,
    state: Mutex<SharedState>,
    places: Places,
    /// The first half of ids of calls is chance, so that replicas do not choose the same.
    process: u64,
    calls: AtomicU64,
}

/// Whether replicas count together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SharedState {
    /// Nobody has answered yet since the start.
    Unknown,
    /// They do.
    There,
    /// Each counts alone, and why.
    Away(String),
}

/// What is left of each count, and the places that were taken; or the count that stands against the call, and for how long.
pub(super) type Together = Result<(Vec<u32>, Option<Lease>), (usize, Duration)>;

impl SharedLimits {
    /// Nobody is asked before [`run`](Self::run).
    pub fn new(tally: Arc<dyn Tally>, patience: Duration, metrics: SharedMetrics) -> Arc<Self> {
        Self::at(PACE, tally, patience, metrics)
    }

    fn at(pace: Pace, tally: Arc<dyn Tally>, patience: Duration, metrics: SharedMetrics) -> Arc<Self> {
        Arc::new(Self {
            tally,
            patience,
            pace,
            metrics,
            is_there: AtomicBool::new(false),
            state: Mutex::new(SharedState::Unknown),
            places: Places::default(),
            process: RandomState::new().hash_one(std::process::id()),
            calls: AtomicU64::new(0),
        })
    }

    /// Whether replicas count together now.
    pub fn state(&self) -> SharedState {
        self.locked_state().clone()
    }

    pub(super) fn is_there(&self) -> bool {
        self.is_there.load(Ordering::Relaxed)
    }

    pub(super) fn counted_alone(&self) {
        self.metrics.count(Outcome::Alone);
    }

    pub(super) fn refused_by_memory(&self) {
        self.metrics.count(Outcome::Refused);
    }

    /// Counts a call for all replicas, for limits of these holders; `None` where that cannot be done now.
    pub(super) async fn take(self: &Arc<Self>, counts: &[(&Arc<str>, &Count)]) -> Option<Together> {
        let number = self.calls.fetch_add(1, Ordering::Relaxed);
        let call = (u128::from(self.process) << 64) | u128::from(number);
        // From here on what may have been taken is given back, whatever becomes of the call.
        let lease = Lease::of(self, counts, call);
        let over = Over::of(&self.places, counts.iter().map(|(holder, _)| *holder));
        let asked = counts.iter().map(|(holder, count)| Counting { holder, count });
        let asked: Vec<_> = asked.collect();
        let wanted = Wanted {
            counts: &asked,
            call,
            over: over.places(),
            lease: LEASE,
        };
        let begun = Instant::now();
        let taken = timeout(self.patience, self.tally.take(&wanted)).await;
        let taken = taken.unwrap_or_else(|_| Err(self.too_slow()));
        self.metrics.took(begun.elapsed());
        match taken {
            Ok(Taken::All(left)) if left.len() == counts.len() => {
                over.arrived();
                self.metrics.count(Outcome::Admitted);
                let lease = lease.map(Lease::taken);
                Some(Ok((left, lease)))
            }
            Ok(Taken::Refused { by, wait }) if by < counts.len() => {
                over.arrived();
                lease.into_iter().for_each(Lease::refused);
                self.metrics.count(Outcome::Refused);
                Some(Err((by, wait)))
            }
            Ok(other) => {
                self.lost(format!("it gives an answer that means nothing: {other:?}"));
                self.counted_alone();
                None
            }
            Err(reason) => {
                self.lost(reason);
                self.counted_alone();
                None
            }
        }
    }

    /// What it does beside calls: it connects, connects again, and says of calls under way that they are, and that they are over.
    pub async fn run(self: Arc<Self>) {
        // After a failure, calls that were under way fail for a while, too.
        let (first, longest) = self.pace.waits;
        let least = self.patience * 2;
        let mut backoff = Backoff::between(first.max(least), longest.max(least));
        loop {
            if !self.is_there() {
                if matches!(self.state(), SharedState::Away(_)) {
                    sleep(backoff.next_wait()).await;
                }
                match self.probe().await {
                    Ok(()) => {
                        self.found();
                        backoff.reset();
                    }
                    Err(reason) => {
                        self.lost(reason);
                        continue;
                    }
                }
            }
            let kept = tokio::select! {
                () = self.places.ended() => self.give_back().await,
                () = sleep(self.pace.keeping) => self.keep().await,
            };
            if let Err(reason) = kept {
                self.lost(reason);
            }
        }
    }

    /// What stands against counting together now, for somebody who wants to know before it is needed.
    pub async fn problem(&self) -> Option<String> {
        self.probe().await.err()
    }

    /// Whoever answers, but later than calls wait, is no help to them.
    async fn probe(&self) -> Result<(), String> {
        let connected = timeout(CONNECTING, self.tally.probe()).await;
        connected.unwrap_or_else(|_| Err(format!("no connection within {CONNECTING:?}")))?;
        self.in_time(self.tally.probe()).await
    }

    async fn give_back(&self) -> Result<(), String> {
        let over = Over::of_all(&self.places);
        self.in_time(self.tally.give_back(over.places())).await?;
        over.arrived();
        Ok(())
    }

    async fn keep(&self) -> Result<(), String> {
        let open = self.places.open();
        if !open.is_empty() {
            self.in_time(self.tally.keep(&open, LEASE)).await?;
        }
        self.in_time(self.tally.probe()).await
    }

    async fn in_time(&self, work: impl Future<Output = Result<(), String>>) -> Result<(), String> {
        let done = timeout(self.patience, work).await;
        done.unwrap_or_else(|_| Err(self.too_slow()))
    }

    fn too_slow(&self) -> String {
        format!("no answer within {:?} (limits.redis.timeout_ms)", self.patience)
    }

    fn found(&self) {
        let before = std::mem::replace(&mut *self.locked_state(), SharedState::There);
        self.metrics.is_away(false);
        self.is_there.store(true, Ordering::Relaxed);
        match before {
            SharedState::Away(_) => tracing::info!("limits are counted together with other replicas again"),
            _ => tracing::info!("limits are counted together with other replicas"),
        }
    }

    /// The log says it once.
    fn lost(&self, reason: String) {
        self.is_there.store(false, Ordering::Relaxed);
        self.metrics.is_away(true);
        let mut state = self.locked_state();
        if !matches!(*state, SharedState::Away(_)) {
            tracing::warn!(
                reason,
                "limits cannot be counted together with other replicas; until they can, this one counts for itself"
            );
        }
        *state = SharedState::Away(reason);
        // The task that connects again may be waiting for something else.
        self.places.wake();
    }

    fn locked_state(&self) -> MutexGuard<'_, SharedState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
