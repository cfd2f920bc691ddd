//! What a client has sent of a message that is not complete. Nobody else counts it: the whole message is seen only when it is
//! there.

use crate::http::body::PATIENCE;
use mcp_core::peer::{Held, Peer};
use std::{
    io,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, ready},
    time::Instant,
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Memory is taken in such steps.
const STEP: u64 = 64 << 10;
/// What stands around what a control frame of a client carries (RFC 6455, section 5.2): two bytes, and a mask.
const CONTROL: u64 = 6;

/// Counts for one connection; clones are the same.
#[derive(Clone)]
pub(super) struct Meter(Arc<Mutex<Unfinished>>);

struct Unfinished {
    peer: Arc<Peer>,
    bytes: u64,
    since: Option<Instant>,
    held: Option<Held>,
}

impl Meter {
    pub(super) fn new(peer: Arc<Peer>) -> Self {
        Self(Arc::new(Mutex::new(Unfinished {
            peer,
            bytes: 0,
            since: None,
            held: None,
        })))
    }

    /// A message is complete.
    pub(super) fn complete(&self) {
        let mut unfinished = self.lock();
        unfinished.bytes = 0;
        unfinished.since = None;
        unfinished.held = None;
    }

    /// A control frame came, which may stand between the parts of a message.
    pub(super) fn control(&self, carried: usize) {
        let mut unfinished = self.lock();
        unfinished.bytes = unfinished.bytes.saturating_sub(CONTROL + carried as u64);
        if unfinished.bytes == 0 {
            unfinished.since = None;
        }
    }

    /// Whether a message takes longer than one may.
    pub(super) fn is_late(&self, now: Instant) -> bool {
        let since = self.lock().since;
        since.is_some_and(|since| now.saturating_duration_since(since) > PATIENCE)
    }

    fn read(&self, bytes: usize, now: Instant) -> io::Result<()> {
        let mut unfinished = self.lock();
        let Unfinished {
            peer,
            bytes: all,
            since,
            held,
        } = &mut *unfinished;
        *all += bytes as u64;
        since.get_or_insert(now);
        let wanted = all.next_multiple_of(STEP);
        let taken = match held {
            _ if *all <= STEP => Ok(()),
            Some(held) if held.bytes() >= wanted => Ok(()),
            Some(held) => held.grow(wanted),
            None => peer.hold(wanted).map(|new| *held = Some(new)),
        };
        taken.map_err(|_| io::Error::other("no memory for a message of this client"))
    }

    fn lock(&self) -> MutexGuard<'_, Unfinished> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection whose bytes are counted as they are read.
pub(super) struct Metered<T> {
    pub(super) io: T,
    pub(super) meter: Meter,
}

impl<T: AsyncRead + Unpin> AsyncRead for Metered<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.io).poll_read(context, buffer))?;
        let read = buffer.filled().len() - before;
        if read > 0 {
            self.meter.read(read, Instant::now())?;
        }
        Poll::Ready(Ok(()))
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Metered<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mcp_core::peer::{Account, Budget};
    use std::time::Duration;

    fn meter(limit: u64) -> (Meter, Arc<Budget>) {
        let budget = Budget::new(limit);
        (Meter::new(Peer::new(Account::new(budget.clone(), true))), budget)
    }

    #[test]
    fn what_is_read_of_a_message_is_its_peer_s_memory_until_it_is_complete() {
        let (meter, budget) = meter(4 * STEP);
        let now = Instant::now();
        meter.read(STEP as usize, now).unwrap();
        assert_eq!(budget.used(), 0, "a small one is not counted");
        meter.read(1, now).unwrap();
        assert_eq!(budget.used(), 2 * STEP);
        meter.read(3 * STEP as usize, now).unwrap_err();
        meter.complete();
        assert_eq!(budget.used(), 0);
    }

    #[test]
    fn a_message_that_trickles_in_is_late_whatever_comes_between_its_parts() {
        let (meter, _) = meter(4 * STEP);
        let begun = Instant::now();
        let at = |seconds| begun + Duration::from_secs(seconds);
        meter.read(100, begun).unwrap();
        for seconds in [10, 20, 30] {
            meter.read(6 + 4, at(seconds)).unwrap();
            meter.control(4);
            assert!(!meter.is_late(at(seconds)));
        }
        assert!(meter.is_late(at(31)));
        meter.complete();
        assert!(!meter.is_late(at(31)));
        // Signs of life alone are no message.
        for seconds in (40..400).step_by(10) {
            meter.read(6, at(seconds)).unwrap();
            meter.control(0);
            assert!(!meter.is_late(at(seconds + 9)));
        }
    }
}
