//! Server-sent events: the listen stream of 2026-07-28 and the GET stream of earlier revisions.

use super::list_changed::Signal;
use crate::peer::Peer;
use bytes::Bytes;
use futures_util::{Stream, stream};
use prometheus_client::metrics::gauge::Gauge;
use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// Below the idle timeouts of common load balancers.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// The texts of one stream.
pub(super) struct Script {
    /// Sent at once.
    pub(super) opening: String,
    /// Sent on every change of the list.
    pub(super) changed: String,
    /// Sent before the stream ends from our side.
    pub(super) closing: String,
}

/// One SSE event with a JSON message that has no line breaks.
pub(super) fn event(message: &str) -> String {
    format!("event: message\ndata: {message}\n\n")
}

struct State {
    script: Script,
    signal: watch::Receiver<Signal>,
    shutdown: CancellationToken,
    phase: Phase,
    _counted: Counted,
}

enum Phase {
    Opening,
    Open,
    Over,
}

/// Counts the stream as open until it is dropped, however it ends.
pub(super) struct Counted {
    all: Gauge,
    peer: Arc<Peer>,
    /// With this one, when it was opened.
    open: (i64, u32),
}

impl Counted {
    pub(super) fn new(all: Gauge, peer: Arc<Peer>) -> Self {
        let open = (all.inc() + 1, peer.streams.fetch_add(1, Ordering::Relaxed) + 1);
        Self { all, peer, open }
    }

    /// How many there are.
    pub(super) fn all(&self) -> i64 {
        self.open.0
    }

    /// How many the client has.
    pub(super) fn of_peer(&self) -> u32 {
        self.open.1
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.all.dec();
        self.peer.streams.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The stream's bytes, until the client leaves, the instance is gone or the gateway shuts down.
pub(super) fn stream(
    script: Script,
    signal: watch::Receiver<Signal>,
    shutdown: CancellationToken,
    open: Counted,
) -> impl Stream<Item = Bytes> + Send + 'static {
    let state = State {
        script,
        signal,
        shutdown,
        phase: Phase::Opening,
        _counted: open,
    };
    stream::unfold(state, |mut state| async move {
        let text = match state.phase {
            Phase::Opening => {
                state.phase = Phase::Open;
                Bytes::from(std::mem::take(&mut state.script.opening))
            }
            Phase::Open => next(&mut state).await,
            Phase::Over => return None,
        };
        Some((text, state))
    })
}

async fn next(state: &mut State) -> Bytes {
    let over = tokio::select! {
        biased;
        () = state.shutdown.cancelled() => true,
        changed = state.signal.changed() => changed.is_err() || *state.signal.borrow_and_update() == Signal::Gone,
        () = tokio::time::sleep(KEEP_ALIVE) => return Bytes::from_static(b": ping\n\n"),
    };
    if over {
        state.phase = Phase::Over;
        return Bytes::from(std::mem::take(&mut state.script.closing));
    }
    Bytes::from(state.script.changed.clone())
}
