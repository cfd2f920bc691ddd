//! The bound of open client connections.

use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Connections beyond the bound that are open at once, so that clients can be told and probes answered. Further ones
/// wait in the system's queue.
const BEYOND: usize = 64;

/// Shared by the acceptor and the workers.
#[derive(Clone, Debug)]
pub(super) struct Seats(Arc<Semaphore>);

/// Held while a connection is open.
#[derive(Debug)]
pub(super) struct Seat {
    _permit: OwnedSemaphorePermit,
}

impl Seats {
    pub(super) fn new(max_connections: u32) -> Self {
        let all = (max_connections as usize).saturating_add(BEYOND);
        Self(Arc::new(Semaphore::new(all.min(Semaphore::MAX_PERMITS))))
    }

    /// Waits while there is none, not even beyond the bound.
    pub(super) async fn take(&self) -> Option<Seat> {
        let permit = self.0.clone().acquire_owned().await.ok()?;
        Some(Seat { _permit: permit })
    }

    /// The seat that was taken last is beyond the bound. The acceptor holds one for the connection to come, so that
    /// for the workers this is: the next connection would be.
    pub(super) fn is_full(&self) -> bool {
        self.0.available_permits() < BEYOND
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;

    #[test]
    fn beyond_the_bound_some_are_told_and_the_next_ones_wait() {
        let seats = Seats::new(2);
        let take = || {
            let seat = seats.take().now_or_never().flatten()?;
            Some((seat, seats.is_full()))
        };
        let within: Vec<_> = (0..2).map_while(|_| take()).collect();
        assert!(within.len() == 2 && within.iter().all(|(_, is_beyond)| !is_beyond));
        let beyond: Vec<_> = std::iter::from_fn(take).collect();
        assert!(beyond.len() == BEYOND && beyond.iter().all(|(_, is_beyond)| *is_beyond));
        drop(beyond);
        assert!(take().is_some_and(|(_, is_beyond)| is_beyond));
        // One that was taken while there was no place, for a client that comes when there is.
        let waiting = take();
        drop(within);
        assert!(waiting.is_some() && !seats.is_full());
    }
}
