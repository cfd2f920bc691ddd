//! Server-sent events: the listen stream of 2026-07-28 and the GET stream of earlier revisions.

use super::{held_key::HeldKey, list_changed::Signal};
use crate::{
    peer::Peer,
    relay::{Updates, Watch},
    view::{ListKind, PerList},
};
use bytes::Bytes;
use futures_util::{Stream, stream};
use prometheus_client::metrics::gauge::Gauge;
use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// The pause between comments, below the idle timeouts of common load balancers.
pub(super) const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// A comment, for whatever is on the way and would take silence for an end.
pub(super) const PING: Bytes = Bytes::from_static(b": ping\n\n");

/// The texts of one stream.
pub(super) struct Script {
    /// Sent at once.
    pub(super) opening: String,
    /// Sent on every change of a list; `None` for lists that the client is not told of.
    pub(super) changed: PerList<Option<String>>,
    /// Sent before the stream ends from our side.
    pub(super) closing: String,
    /// Which resources the client is told of.
    pub(super) told: Option<Told>,
}

/// News of single resources.
pub(super) struct Told {
    pub(super) updates: Arc<Updates>,
    /// What stands before other parameters: the name of the subscription, with a comma after it.
    pub(super) subscription: String,
    /// What ends with the stream.
    pub(super) _held: Vec<Watch>,
}

impl Told {
    async fn next(told: Option<&Self>) -> Bytes {
        let Some(told) = told else {
            return std::future::pending().await;
        };
        let uri = told.updates.next().await;
        let (subscription, uri) = (&told.subscription, serde_json::Value::from(&*uri));
        let message = format!(
            "{{\"jsonrpc\":\"2.0\",\"method\":\"notifications/resources/updated\",\"params\":{{{subscription}\"uri\":{uri}}}}}"
        );
        event(&message).into()
    }
}

/// One SSE event with a JSON message that has no line breaks.
pub(super) fn event(message: &str) -> String {
    format!("event: message\ndata: {message}\n\n")
}

/// The same of a message in pieces.
pub(super) fn event_of(pieces: &[Bytes]) -> Bytes {
    let ends: [&[u8]; 2] = [b"event: message\ndata: ", b"\n\n"];
    let whole: Vec<_> = [ends[0]]
        .into_iter()
        .chain(pieces.iter().map(|piece| &**piece))
        .chain([ends[1]])
        .collect();
    whole.concat().into()
}

struct State {
    script: Script,
    signal: watch::Receiver<Signal>,
    /// What the client was told.
    told: Signal,
    shutdown: CancellationToken,
    key: HeldKey,
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
    /// The numbers of open streams with this one, when it was opened.
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

/// The stream's bytes, until the client leaves, the instance is gone, its key is another one or the gateway shuts down.
pub(super) fn stream(
    script: Script,
    (signal, told): (watch::Receiver<Signal>, Signal),
    shutdown: CancellationToken,
    key: HeldKey,
    open: Counted,
) -> impl Stream<Item = Bytes> + Send + 'static {
    let state = State {
        script,
        signal,
        told,
        shutdown,
        key,
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
    loop {
        let over = tokio::select! {
            biased;
            () = state.shutdown.cancelled() => true,
            () = state.key.is_over() => true,
            changed = state.signal.changed() => changed.is_err(),
            updated = Told::next(state.script.told.as_ref()) => return updated,
            () = tokio::time::sleep(KEEP_ALIVE) => return PING,
        };
        let now = *state.signal.borrow_and_update();
        if over || now.gone {
            state.phase = Phase::Over;
            return Bytes::from(std::mem::take(&mut state.script.closing));
        }
        let told = std::mem::replace(&mut state.told, now);
        let texts = ListKind::ALL
            .into_iter()
            .filter(|list| told.changes.get(*list) != now.changes.get(*list))
            .filter_map(|list| state.script.changed.get(list).as_deref());
        let text: String = texts.collect();
        if !text.is_empty() {
            return text.into();
        }
    }
}
