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
        let more = |taken: usize| (taken < self.most).then(|| taken + 1);
        let taken = self.taken.fetch_update(Ordering::AcqRel, Ordering::Relaxed, more);
        // Made only where there is a place: what is dropped leaves one.
        taken.is_ok().then(|| Entered(self))
    }
}

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        self.0.taken.fetch_sub(1, Ordering::AcqRel);
        self.0.turns.left();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn bulkhead(most: usize, length: usize) -> Bulkhead {
        let wait = Duration::from_secs(60);
        Bulkhead::new(most, QueueRule { length, wait }, Arc::default())
    }

    fn later() -> Instant {
        Instant::now() + Duration::from_secs(60)
    }

    #[tokio::test]
    async fn who_is_refused_takes_no_place_and_leaves_none() {
        let bulkhead = bulkhead(1, 0);
        let first = bulkhead.enter((None, later())).await.unwrap();
        for _ in 0..3 {
            assert_eq!(
                bulkhead.enter((None, later())).await.unwrap_err(),
                NoTurn::Full(0)
            );
        }
        drop(first);
        let second = bulkhead.enter((None, later())).await.unwrap();
        assert_eq!(
            bulkhead.enter((None, later())).await.unwrap_err(),
            NoTurn::Full(0)
        );
        drop(second);
        assert_eq!(bulkhead.taken.load(Ordering::Relaxed), 0);
    }

    #[tokio::test]
    async fn who_waits_gets_the_place_that_is_left_and_not_before() {
        let bulkhead = bulkhead(1, 4);
        let first = bulkhead.enter((None, later())).await.unwrap();
        let mut second = std::pin::pin!(bulkhead.enter((None, later())));
        let waits = tokio::time::timeout(Duration::from_millis(600), &mut second).await;
        assert!(waits.is_err(), "it looked for a place twice, and there was none");
        drop(first);
        let second = second.await.unwrap();
        assert_eq!(bulkhead.taken.load(Ordering::Relaxed), 1);
        drop(second);
        assert_eq!(bulkhead.taken.load(Ordering::Relaxed), 0);
    }
}
