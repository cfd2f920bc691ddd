//! How many tools of instances have series of their own: whoever stores the metrics has to hold all of them.

use super::ToolLabels;
use std::{
    collections::HashSet,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// What stands in the place of instance and tool where there are more pairs than may have series of their own.
pub const OTHER: &str = "other";

/// The pairs that have series of their own: those that were called first.
#[derive(Debug)]
pub(super) struct Pairs {
    most: usize,
    named: Mutex<HashSet<ToolLabels>>,
}

impl Pairs {
    pub(super) fn at_most(most: usize) -> Self {
        Self {
            most,
            named: Mutex::default(),
        }
    }

    /// The labels under which this pair is counted.
    pub(super) fn labels(&self, pair: &ToolLabels) -> ToolLabels {
        let other = ToolLabels::new(OTHER, OTHER);
        // A tool that is called so itself must not end what stands for all others when it goes.
        if *pair == other {
            return other;
        }
        let mut named = self.named();
        if named.contains(pair) {
            return pair.clone();
        }
        if named.len() >= self.most {
            return other;
        }
        named.insert(pair.clone());
        pair.clone()
    }

    /// Its place is another pair's from now on; whether it had one.
    pub(super) fn forget(&self, pair: &ToolLabels) -> bool {
        self.named().remove(pair)
    }

    fn named(&self) -> MutexGuard<'_, HashSet<ToolLabels>> {
        self.named.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
