//! Requests of sessions that are being answered, so that `notifications/cancelled` finds the one it names. A client's
//! ids mean something in its own session only; without a session nobody could tell whose request is meant.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio_util::sync::CancellationToken;

/// All of them, of this process.
#[derive(Default)]
pub(crate) struct OpenCalls {
    open: Mutex<HashMap<Key, CancellationToken>>,
}

/// A session and the JSON text of a request's id.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Key {
    session: Arc<str>,
    id: Box<str>,
}

impl OpenCalls {
    /// Registers a request until the result is dropped. One of the same id, which a client must not use twice at once,
    /// loses its place.
    pub(crate) fn open(self: &Arc<Self>, session: Arc<str>, id: &str) -> OpenCall {
        let key = Key {
            session,
            id: id.into(),
        };
        let cancelled = CancellationToken::new();
        self.lock().insert(key.clone(), cancelled.clone());
        OpenCall(Arc::new(Place {
            calls: self.clone(),
            key,
            cancelled,
        }))
    }

    /// Cancels the request; `false` if there is none.
    pub(crate) fn cancel(&self, session: Arc<str>, id: &str) -> bool {
        let key = Key {
            session,
            id: id.into(),
        };
        let found = self.lock().remove(&key);
        if let Some(cancelled) = &found {
            cancelled.cancel();
        }
        found.is_some()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Key, CancellationToken>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One request that can be cancelled; clones are the same request.
#[derive(Clone)]
pub(crate) struct OpenCall(Arc<Place>);

struct Place {
    calls: Arc<OpenCalls>,
    key: Key,
    cancelled: CancellationToken,
}

impl OpenCall {
    /// Ends when the client cancels the request.
    pub(crate) async fn cancelled(&self) {
        self.0.cancelled.cancelled().await;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // A cancelled one has left, and its key may be another's by now.
        if !self.cancelled.is_cancelled() {
            self.calls.lock().remove(&self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;

    #[test]
    fn a_cancellation_finds_its_own_session_s_request_and_no_other() {
        let calls = Arc::new(OpenCalls::default());
        let (mine, others) = (calls.open("a".into(), "1"), calls.open("b".into(), "1"));
        assert!(!calls.cancel("a".into(), "2"));
        assert!(!calls.cancel("c".into(), "1"));
        assert!(calls.cancel("a".into(), "1"));
        assert_eq!(mine.cancelled().now_or_never(), Some(()));
        assert_eq!(others.cancelled().now_or_never(), None);
        assert!(!calls.cancel("a".into(), "1"), "it is over");
        drop((mine, others));
        assert!(calls.lock().is_empty());
    }
}
