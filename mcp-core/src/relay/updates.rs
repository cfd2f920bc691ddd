//! Resources that changed, on their way to a client that wants to know.

use std::{
    any::Any,
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::sync::Notify;

/// Changes that wait to be told; a client that reads so slowly reads all of it anew anyway.
const MOST: usize = 1_024;

/// What changed since the client was told last; each resource is told of once, however often it changed.
#[derive(Debug, Default)]
pub struct Updates {
    changed: Mutex<BTreeSet<Box<str>>>,
    wake: Notify,
}

/// Ends, when it is dropped, that somebody tells of changes of a resource.
pub type Watch = Box<dyn Any + Send + Sync>;

impl Updates {
    /// What the client asked to hear of, or a part of it, is another one now.
    pub fn changed(&self, uri: &str) {
        let mut changed = self.changed.lock().unwrap_or_else(PoisonError::into_inner);
        if changed.len() < MOST {
            changed.insert(uri.into());
        }
        drop(changed);
        self.wake.notify_one();
    }

    /// The next one that changed.
    pub(crate) async fn next(self: &Arc<Self>) -> Box<str> {
        loop {
            let woken = self.wake.notified();
            let first = self
                .changed
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .pop_first();
            match first {
                Some(uri) => return uri,
                None => woken.await,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;

    #[test]
    fn what_changes_twice_before_it_is_told_is_told_once() {
        let updates = Arc::new(Updates::default());
        for uri in ["b", "a", "b"] {
            updates.changed(uri);
        }
        assert_eq!(updates.next().now_or_never().as_deref(), Some("a"));
        assert_eq!(updates.next().now_or_never().as_deref(), Some("b"));
        assert_eq!(updates.next().now_or_never(), None);
        for number in 0..2 * MOST {
            updates.changed(&number.to_string());
        }
        assert_eq!(updates.changed.lock().unwrap().len(), MOST);
    }
}
