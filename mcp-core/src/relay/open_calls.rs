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
    table: Mutex<Table>,
}

#[derive(Default)]
struct Table {
    given: u64,
    /// With the number of each: a later request of the same id has its place, not its number.
    open: HashMap<Key, (u64, CancellationToken)>,
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
        let mut table = self.lock();
        table.given += 1;
        let number = table.given;
        table.open.insert(key.clone(), (number, cancelled.clone()));
        drop(table);
        OpenCall(Arc::new(Place {
            calls: self.clone(),
            key,
            number,
            cancelled,
        }))
    }

    /// Cancels the request; `false` if there is none.
    pub(crate) fn cancel(&self, session: Arc<str>, id: &str) -> bool {
        let key = Key {
            session,
            id: id.into(),
        };
        let found = self.lock().open.remove(&key);
        if let Some((_, cancelled)) = &found {
            cancelled.cancel();
        }
        found.is_some()
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One request that can be cancelled; clones are the same request.
#[derive(Clone)]
pub(crate) struct OpenCall(Arc<Place>);

struct Place {
    calls: Arc<OpenCalls>,
    key: Key,
    number: u64,
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
        // Its place may be another's by now.
        let mut table = self.calls.lock();
        if table
            .open
            .get(&self.key)
            .is_some_and(|(number, _)| *number == self.number)
        {
            table.open.remove(&self.key);
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
        assert!(calls.lock().open.is_empty());
    }

    #[test]
    fn the_end_of_a_request_leaves_a_later_one_of_its_id_alone() {
        let calls = Arc::new(OpenCalls::default());
        let (first, second) = (calls.open("a".into(), "1"), calls.open("a".into(), "1"));
        drop(first);
        assert!(calls.cancel("a".into(), "1"));
        assert_eq!(second.cancelled().now_or_never(), Some(()));
        let third = calls.open("a".into(), "1");
        drop(second);
        assert!(calls.cancel("a".into(), "1"));
        drop(third);
        assert!(calls.lock().open.is_empty());
    }
}
