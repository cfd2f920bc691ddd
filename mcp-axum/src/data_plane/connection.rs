//! What is known about a connection while it is open: whether a request is in progress on it.

use crate::app::{Phase, Readiness};
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    task::{Context, Poll},
};

/// Requests of one connection. Written by the worker's own thread only, hence relaxed everywhere.
///
/// It is the one thing that a request clones from its connection, so what a request needs at its end is in here: a
/// reference count that all workers share would bounce between their CPUs.
#[derive(Debug)]
pub(super) struct Usage {
    readiness: Readiness,
    in_progress: AtomicU32,
    begun: AtomicU32,
    written: AtomicU32,
}

impl Usage {
    pub(super) fn new(readiness: Readiness) -> Arc<Self> {
        Arc::new(Self {
            readiness,
            in_progress: AtomicU32::new(0),
            begun: AtomicU32::new(0),
            written: AtomicU32::new(0),
        })
    }

    pub(super) fn begin(self: &Arc<Self>) -> InProgress {
        self.in_progress.fetch_add(1, Ordering::Relaxed);
        self.begun.fetch_add(1, Ordering::Relaxed);
        InProgress(self.clone())
    }

    pub(super) fn is_idle(&self) -> bool {
        self.in_progress.load(Ordering::Relaxed) == 0
    }

    /// Something left through the socket.
    pub(super) fn wrote(&self) {
        self.written.fetch_add(1, Ordering::Relaxed);
    }

    /// How many requests and writes to the socket there have been; two equal readings mean that nothing happened in
    /// between. hyper is done with an answer as soon as it has its last piece, long before a slow client has.
    pub(super) fn activity(&self) -> (u32, u32) {
        (
            self.begun.load(Ordering::Relaxed),
            self.written.load(Ordering::Relaxed),
        )
    }
}

/// From the request's head to the last byte of its answer.
pub(super) struct InProgress(Arc<Usage>);

impl InProgress {
    /// Where the gateway is in its life now.
    pub(super) fn phase(&self) -> Phase {
        self.0.readiness.phase()
    }
}

impl Drop for InProgress {
    fn drop(&mut self) {
        self.0.in_progress.fetch_sub(1, Ordering::Relaxed);
    }
}

/// An answer that counts as in progress until its last byte was taken.
pub(super) struct Tracked {
    pub(super) body: axum::body::Body,
    pub(super) _in_progress: InProgress,
}

impl Body for Tracked {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
