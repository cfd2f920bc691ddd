//! What a connection has to tell its supervisor.

use super::outgoing::Speech;
use std::sync::{
    OnceLock,
    atomic::{AtomicU64, Ordering},
};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// What servers tell of their lists.
pub(super) const LIST_CHANGED: [&str; 3] = [
    "notifications/tools/list_changed",
    "notifications/resources/list_changed",
    "notifications/prompts/list_changed",
];

/// Written by the connection, read by the supervisor.
#[derive(Debug, Default)]
pub(super) struct News {
    /// The server said that one of its lists is another one now.
    pub(super) changed: Notify,
    /// A call failed in a way that says that the server may be away.
    pub(super) doubt: Notify,
    /// The connection, or its session, is of no more use.
    pub(super) lost: CancellationToken,
    strays: AtomicU64,
    speech: OnceLock<Speech>,
    ended: OnceLock<String>,
}

impl News {
    /// Takes a notification.
    pub(super) fn told(&self, method: &str) {
        if LIST_CHANGED.contains(&method) {
            self.changed.notify_one();
        }
    }

    /// Counts what came and belongs to nothing.
    pub(super) fn stray(&self) {
        self.strays.fetch_add(1, Ordering::Relaxed);
    }

    /// How much came that belongs to nothing.
    pub(super) fn strays(&self) -> u64 {
        self.strays.load(Ordering::Relaxed)
    }

    /// The connection is of no more use.
    pub(super) fn lost(&self) {
        self.lost.cancel();
    }

    /// The same, with the reason; the first one stays.
    pub(super) fn ended(&self, reason: String) {
        let _ = self.ended.set(reason);
        self.lost.cancel();
    }

    /// Why it is of no more use.
    pub(super) fn reason(&self) -> Option<&str> {
        self.ended.get().map(String::as_str)
    }

    pub(super) fn agreed(&self, speech: Speech) {
        let _ = self.speech.set(speech);
    }

    pub(super) fn speech(&self) -> Option<Speech> {
        self.speech.get().copied()
    }
}
