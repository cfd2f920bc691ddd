//! The bound of open client connections.

mod claim;
#[cfg(test)]
mod tests;

use super::connection::Usage;
use mcp_core::peer::{Account, Peer};
use std::{
    collections::BTreeMap,
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// Connections beyond the bound that are open at once, so that clients can be told and probes answered.
const BEYOND: usize = 64;
/// How long one that has to leave is waited for; a worker that is stuck closes nothing.
const LEAVING: Duration = Duration::from_millis(100);

/// Shared by the acceptor and the workers.
#[derive(Clone)]
pub(super) struct Seats {
    shared: Arc<Shared>,
}

struct Shared {
    most_within: usize,
    most_beyond: usize,
    open: Mutex<Open>,
    left: Notify,
}

#[derive(Default)]
struct Open {
    next: u64,
    within: BTreeMap<Key, Holder>,
    /// Those first that do not ask for a place, the oldest first.
    beyond: BTreeMap<(bool, u64), CancellationToken>,
    /// Asked to leave and still there.
    leaving: usize,
    /// Where the next search among all begins.
    search: Key,
}

/// A client and a connection, so that those of one client stand together.
type Key = (usize, u64);

/// What is known of a connection that has a place.
struct Holder {
    peer: Arc<Peer>,
    usage: Arc<Usage>,
    needed: CancellationToken,
}

/// A connection that needs a seat.
pub(super) struct Who {
    pub(super) peer: Arc<Peer>,
    pub(super) usage: Arc<Usage>,
    /// How many places its client may have.
    pub(super) part: Option<u32>,
}

/// Held while a connection is open: one of the places that there are, or one for being told that there is none.
pub(super) struct Seat {
    shared: Arc<Shared>,
    who: Who,
    number: u64,
    is_within: AtomicBool,
    /// It waits for a place within.
    asks: AtomicBool,
    needed: CancellationToken,
}

impl Seats {
    pub(super) fn new(max_connections: u32) -> Self {
        let all = max_connections as usize;
        Self {
            shared: Arc::new(Shared {
                most_within: all,
                // Where there are few descriptors, these must not take more of them than the others do.
                most_beyond: (all / 2).clamp(8, BEYOND),
                open: Mutex::default(),
                left: Notify::new(),
            }),
        }
    }

    /// A seat within the bound.
    pub(super) fn within(&self, who: Who) -> Result<Arc<Seat>, Who> {
        let mut open = self.shared.lock();
        if open.within.len() >= self.shared.most_within {
            return Err(who);
        }
        let seat = self.seat(&mut open, who, true);
        open.within.insert(seat.key(), seat.holder());
        Ok(seat)
    }

    /// One beyond it. There always is one: who has had such a seat for longest and asks for nothing loses it. So a probe is answered however many
    /// others connect and say nothing.
    pub(super) fn beyond(&self, who: Who) -> Arc<Seat> {
        let mut open = self.shared.lock();
        let seat = self.seat(&mut open, who, false);
        if open.beyond.len() >= self.shared.most_beyond
            && let Some((_, oldest)) = open.beyond.pop_first()
        {
            oldest.cancel();
            open.leaving += 1;
        }
        open.beyond.insert(seat.key_beyond(), seat.needed.clone());
        seat
    }

    fn seat(&self, open: &mut Open, who: Who, is_within: bool) -> Arc<Seat> {
        let number = open.next;
        open.next += 1;
        Arc::new(Seat {
            shared: self.shared.clone(),
            who,
            number,
            is_within: AtomicBool::new(is_within),
            asks: AtomicBool::new(false),
            needed: CancellationToken::new(),
        })
    }

    /// Waits until those have left who lost their seats, or a moment: one that is not closed has its descriptor still.
    pub(super) async fn settled(&self) {
        let settled = async {
            while self.shared.lock().leaving > 0 {
                self.shared.left.notified().await;
            }
        };
        let _ = tokio::time::timeout(LEAVING, settled).await;
    }

    /// The next connection would be beyond the bound.
    pub(super) fn is_full(&self) -> bool {
        self.shared.lock().within.len() >= self.shared.most_within
    }
}

impl Seat {
    /// Whether it is one of the places that there are.
    pub(super) fn is_within(&self) -> bool {
        self.is_within.load(Ordering::Relaxed)
    }

    /// Waits until somebody else needs the seat more.
    pub(super) async fn is_needed(&self) {
        self.needed.cancelled().await;
    }

    fn key(&self) -> Key {
        let account: &Account = &self.who.peer;
        (std::ptr::from_ref(account).addr(), self.number)
    }

    fn key_beyond(&self) -> (bool, u64) {
        (self.asks.load(Ordering::Relaxed), self.number)
    }

    fn holder(&self) -> Holder {
        Holder {
            peer: self.who.peer.clone(),
            usage: self.who.usage.clone(),
            needed: self.needed.clone(),
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut open = self.shared.lock();
        let had_one = match self.is_within() {
            true => open.within.remove(&self.key()).is_some(),
            false => open.beyond.remove(&self.key_beyond()).is_some(),
        };
        if !had_one {
            open.leaving -= 1;
            drop(open);
            self.shared.left.notify_one();
        }
    }
}

impl fmt::Debug for Seats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Seats").finish_non_exhaustive()
    }
}
