//! The bound of open client connections.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

/// Connections beyond the bound that are open at once, so that clients can be told and probes answered.
const BEYOND: usize = 64;
/// How long one that has to leave is waited for; a worker that is stuck closes nothing.
const LEAVING: Duration = Duration::from_millis(100);

/// Shared by the acceptor and the workers.
#[derive(Clone, Debug)]
pub(super) struct Seats {
    within: Arc<Semaphore>,
    beyond: Arc<Beyond>,
}

/// Those beyond the bound, the oldest first.
#[derive(Debug)]
struct Beyond {
    most: usize,
    open: Mutex<Open>,
    left: Notify,
}

#[derive(Debug, Default)]
struct Open {
    next: u64,
    seats: BTreeMap<u64, CancellationToken>,
    /// Asked to leave and still there.
    leaving: usize,
}

/// Held while a connection is open.
#[derive(Debug)]
pub(super) enum Seat {
    /// One of those that there are.
    Within(#[expect(dead_code, reason = "held")] OwnedSemaphorePermit),
    /// One for being told that there is none.
    Beyond(BeyondSeat),
}

#[derive(Debug)]
pub(super) struct BeyondSeat {
    beyond: Arc<Beyond>,
    number: u64,
    needed: CancellationToken,
}

impl Seats {
    pub(super) fn new(max_connections: u32) -> Self {
        let all = max_connections as usize;
        Self {
            within: Arc::new(Semaphore::new(all.min(Semaphore::MAX_PERMITS))),
            beyond: Arc::new(Beyond {
                // Where there are few descriptors, these must not take more of them than the others do.
                most: (all / 2).clamp(8, BEYOND),
                open: Mutex::default(),
                left: Notify::new(),
            }),
        }
    }

    /// A seat within the bound.
    pub(super) fn within(&self) -> Option<Seat> {
        self.within.clone().try_acquire_owned().ok().map(Seat::Within)
    }

    /// One beyond it. There always is one: who has had such a seat for longest loses it. So a probe is answered however many
    /// others connect and say nothing.
    pub(super) fn beyond(&self) -> Seat {
        let needed = CancellationToken::new();
        let mut open = self.beyond.lock();
        let number = open.next;
        open.next += 1;
        open.seats.insert(number, needed.clone());
        if open.seats.len() > self.beyond.most
            && let Some((_, oldest)) = open.seats.pop_first()
        {
            oldest.cancel();
            open.leaving += 1;
        }
        Seat::Beyond(BeyondSeat {
            beyond: self.beyond.clone(),
            number,
            needed,
        })
    }

    /// Waits until those have left who lost their seats, or a moment: one that is not closed has its descriptor still.
    pub(super) async fn settled(&self) {
        let settled = async {
            while self.beyond.lock().leaving > 0 {
                self.beyond.left.notified().await;
            }
        };
        let _ = tokio::time::timeout(LEAVING, settled).await;
    }

    /// The next connection would be beyond the bound.
    pub(super) fn is_full(&self) -> bool {
        self.within.available_permits() == 0
    }
}

impl Seat {
    /// Waits until somebody else needs the seat more; for ever within the bound.
    pub(super) async fn is_needed(&self) {
        match self {
            Self::Within(_) => std::future::pending().await,
            Self::Beyond(seat) => seat.needed.cancelled().await,
        }
    }
}

impl Beyond {
    fn lock(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for BeyondSeat {
    fn drop(&mut self) {
        let mut open = self.beyond.lock();
        if open.seats.remove(&self.number).is_none() {
            open.leaving -= 1;
            drop(open);
            self.beyond.left.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;

    #[test]
    fn beyond_the_bound_the_oldest_makes_room_for_the_newest() {
        let seats = Seats::new(2);
        let within: Vec<_> = std::iter::from_fn(|| seats.within()).collect();
        assert!(within.len() == 2 && seats.is_full());
        let beyond: Vec<_> = (0..9).map(|_| seats.beyond()).collect();
        let is_needed = |seat: &Seat| seat.is_needed().now_or_never().is_some();
        let needed: Vec<_> = beyond.iter().map(is_needed).collect();
        assert!(
            needed[0] && needed[1..].iter().all(|needed| !needed),
            "{needed:?}"
        );
        assert!(!within.iter().any(is_needed));
        // Who left is not asked to leave.
        drop(beyond);
        let again: Vec<_> = (0..8).map(|_| seats.beyond()).collect();
        assert!(!again.iter().any(is_needed));
        drop(within);
        assert!(!seats.is_full() && seats.within().is_some());
    }
}
