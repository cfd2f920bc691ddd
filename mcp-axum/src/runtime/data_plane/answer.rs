//! An answer on its way to the client: it counts as in progress until hyper has its last byte, and its memory counts until
//! the client has it.

use super::connection::{Debt, InProgress};
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use mcp_core::peer::{Held, Peer};
use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

/// Smaller pieces of HTTP/1 are not counted: a connection has one answer at a time, and hyper keeps no more of them than
/// its buffer takes.
const SMALL: usize = 16 << 10;

/// An answer that counts as in progress until its last byte was taken.
pub(super) struct Tracked {
    pub(super) body: axum::body::Body,
    pub(super) in_progress: InProgress,
    /// Whose memory it is; `None` where it is there anyway.
    pub(super) peer: Option<Arc<Peer>>,
    /// HTTP/2: many answers at once, each waits for a window of its own.
    pub(super) is_multiplexed: bool,
    /// What the request took.
    pub(super) _held: Option<Held>,
    /// What stands for pieces that hyper has not asked for yet.
    pub(super) ahead: Option<Ahead>,
    /// What compresses it takes.
    pub(super) _encoder: Option<Held>,
}

/// Memory and time of the rest of a large answer: it is there, whether anybody takes it or not.
pub(super) struct Ahead {
    held: Option<Held>,
    _debt: Debt,
}

/// Bytes that hyper keeps until they are written. It drops them then, and with them what they count for.
struct Piece {
    bytes: Bytes,
    _held: Option<Held>,
    _debt: Debt,
}

impl AsRef<[u8]> for Piece {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Tracked {
    /// Counts a large answer whose size is known as a whole: hyper asks for its first piece at once, but for the next one only when
    /// the client has made room for it. It is the size before it is compressed: so much is kept until the end.
    pub(super) fn count_ahead(&mut self, size: Option<u64>) {
        let size = size.filter(|size| *size > SMALL as u64);
        self.ahead = size.map(|size| Ahead {
            held: self.peer.as_ref().map(|peer| peer.hold_anyway(size)),
            _debt: self.in_progress.usage().owe(size),
        });
    }

    fn count(&mut self, bytes: Bytes) -> Bytes {
        let size = bytes.len() as u64;
        let ahead = self.ahead.as_mut().and_then(|ahead| ahead.held.as_mut());
        let held = match ahead {
            Some(ahead) => Some(ahead.split(size)),
            None => self.peer.as_ref().map(|peer| peer.hold_anyway(size)),
        };
        Bytes::from_owner(Piece {
            _held: held,
            _debt: self.in_progress.usage().owe(size),
            bytes,
        })
    }
}

impl Body for Tracked {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        match polled {
            Poll::Ready(Some(Ok(frame)))
                if frame
                    .data_ref()
                    .is_some_and(|bytes| bytes.len() > if self.is_multiplexed { 0 } else { SMALL }) =>
            {
                Poll::Ready(Some(Ok(frame.map_data(|bytes| self.count(bytes)))))
            }
            other => other,
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
