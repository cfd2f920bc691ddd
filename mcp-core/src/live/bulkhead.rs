//! How many calls are under way at once, where those that are more wait in a queue.

use super::turns::{NoTurn, QueueRule, Turns};
use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Instant,
};

/// So many places, and a queue before them.
#[derive(Debug)]
pub(crate) struct Bulkhead {
    most: usize,
    rule: QueueRule,
    taken: AtomicUsize,
    /// Outlives new versions of what says how many there are.
    pub(crate) turns: Arc<Turns>,
}

/// A call's place.
#[derive(Debug)]
pub(crate) struct Entered<'a>(&'a Bulkhead);

impl Bulkhead {
    pub(crate) fn new(most: usize, rule: QueueRule, turns: Arc<Turns>) -> Self {
        Self {
            most,
            rule,
            taken: AtomicUsize::new(0),
            turns,
        }
    }

    /// A place, by `until` at the latest.
    pub(crate) async fn enter(&self, who: (Option<&str>, Instant)) -> Result<Entered<'_>, NoTurn> {
        let attempt = || Ok::<_, Infallible>(self.try_enter());
        let has_room = || self.taken.load(Ordering::Relaxed) < self.most;
        let Ok(entered) = self.turns.take(self.rule, who, attempt, has_room).await;
        entered
    }

    fn try_enter(&self) -> Option<Entered<'_>> {
        let more = |taken: usize| (taken < self.most).then_some(taken + 1);
        let taken = self.taken.fetch_update(Ordering::AcqRel, Ordering::Relaxed, more);
        taken.is_ok().then_some(Entered(self))
    }
}

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        self.0.taken.fetch_sub(1, Ordering::AcqRel);
        self.0.turns.left();
    }
}
