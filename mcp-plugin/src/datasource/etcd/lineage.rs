//! Whether a store is still the one that was loaded.

use super::api::ResponseHeader;
use std::sync::{Mutex, PoisonError};

/// Which cluster was loaded, and how far its elections had come. A cluster that was made anew, or from an old backup,
/// counts revisions of its own, so that going on from ours would skip or mix up changes.
#[derive(Debug, Default)]
pub(super) struct Lineage {
    loaded: Mutex<Option<Origin>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Origin {
    cluster: u64,
    term: u64,
}

impl From<&ResponseHeader> for Origin {
    fn from(header: &ResponseHeader) -> Self {
        Self {
            cluster: header.cluster_id,
            term: header.raft_term,
        }
    }
}

impl Lineage {
    /// Remembers that from now on this is the store.
    pub(super) fn loaded(&self, origin: Origin) {
        *self.lock() = Some(origin);
    }

    /// Terms only grow within a cluster.
    pub(super) fn continues(&self, now: Origin) -> bool {
        self.lock()
            .is_none_or(|loaded| loaded.cluster == now.cluster && loaded.term <= now.term)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Origin>> {
        self.loaded.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_cluster_goes_on() {
        let origin = |cluster, term| Origin { cluster, term };
        let lineage = Lineage::default();
        assert!(lineage.continues(origin(1, 1)), "nothing was loaded yet");
        lineage.loaded(origin(1, 5));
        assert!(lineage.continues(origin(1, 5)) && lineage.continues(origin(1, 6)));
        assert!(!lineage.continues(origin(2, 5)), "another cluster");
        assert!(!lineage.continues(origin(1, 4)), "made anew under the same name");
    }
}
