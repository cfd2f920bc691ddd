//! How many calls are under way at once.

use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicUsize, Ordering},
};
use tokio::sync::{Semaphore, SemaphorePermit};

/// How many wait for each place before further calls are refused.
const WAITING_PER_PLACE: usize = 4;

/// So many calls at once, the others wait in the order in which they came. The number can change while calls are under way.
#[derive(Debug)]
pub(crate) struct Gate {
    places: Semaphore,
    most: AtomicUsize,
    /// Places that are taken although there should be fewer by now: they go when they are left.
    owed: AtomicUsize,
    /// Changes of `most` wait for each other.
    changing: Mutex<()>,
    waiting: AtomicUsize,
}

/// A call's place among those under way.
#[derive(Debug)]
pub(crate) struct Place<'a> {
    gate: &'a Gate,
    permit: Option<SemaphorePermit<'a>>,
}

/// One call that waits.
#[derive(Debug)]
pub(crate) struct Waiting<'a>(&'a AtomicUsize);

impl Default for Gate {
    /// Without a place: nobody asks for one before it is said how many there are.
    fn default() -> Self {
        Self {
            places: Semaphore::new(0),
            most: AtomicUsize::new(0),
            owed: AtomicUsize::new(0),
            changing: Mutex::new(()),
            waiting: AtomicUsize::new(0),
        }
    }
}

impl Gate {
    /// From now on there are so many places. Those that are taken stay taken; who waits gets new ones at once.
    pub(crate) fn set_most(&self, most: usize) {
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let before = self.most.swap(most, Ordering::Relaxed);
        if most >= before {
            let more = most - before;
            self.places.add_permits(more - self.pay(more));
        } else {
            let fewer = before - most;
            // Owed first: what is left meanwhile goes, and is given back below where it was free as well.
            self.owed.fetch_add(fewer, Ordering::Relaxed);
            let free = self.places.forget_permits(fewer);
            self.places.add_permits(free - self.pay(free));
        }
    }

    /// Takes up to `most` off what is owed; returns how many.
    fn pay(&self, most: usize) -> usize {
        let less = |owed: usize| Some(owed - owed.min(most));
        let paid = self.owed.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
        paid.map_or(0, |owed| owed.min(most))
    }

    /// How many places there are.
    pub(crate) fn most(&self) -> usize {
        self.most.load(Ordering::Relaxed)
    }

    /// A place, if one is free and nobody waits for it.
    pub(crate) fn try_enter(&self) -> Option<Place<'_>> {
        self.places.try_acquire().ok().map(|permit| self.place(permit))
    }

    /// A place in the queue, unless it is full.
    pub(crate) fn queue(&self) -> Option<Waiting<'_>> {
        let waiting = Waiting(&self.waiting);
        let before = self.waiting.fetch_add(1, Ordering::Relaxed);
        (before < self.most().saturating_mul(WAITING_PER_PLACE)).then_some(waiting)
    }

    /// A place as soon as one is free; `None` where there will be none.
    pub(crate) async fn enter(&self) -> Option<Place<'_>> {
        self.places.acquire().await.ok().map(|permit| self.place(permit))
    }

    fn place<'a>(&'a self, permit: SemaphorePermit<'a>) -> Place<'a> {
        Place {
            gate: self,
            permit: Some(permit),
        }
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        if let Some(permit) = self.permit.take()
            && self.gate.owed.load(Ordering::Relaxed) > 0
            && self.gate.pay(1) == 1
        {
            permit.forget();
        }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn free(gate: &Gate) -> usize {
        let places: Vec<_> = std::iter::from_fn(|| gate.try_enter()).collect();
        places.len()
    }

    #[test]
    fn places_come_and_go_with_the_limit() {
        let gate = Gate::default();
        for (most, expected) in [(3, 3), (1, 1), (5, 5), (5, 5), (0, 0), (2, 2)] {
            gate.set_most(most);
            assert_eq!(free(&gate), expected);
        }
    }

    #[test]
    fn places_that_are_taken_go_when_they_are_left() {
        let gate = Gate::default();
        gate.set_most(3);
        let mut taken: Vec<_> = std::iter::from_fn(|| gate.try_enter()).collect();
        gate.set_most(1);
        for expected in [0, 0, 1] {
            taken.pop();
            assert_eq!(free(&gate), expected);
        }
        let one = gate.try_enter();
        gate.set_most(0);
        gate.set_most(2);
        assert_eq!(free(&gate), 1, "what is owed is not given again");
        drop(one);
        assert_eq!(free(&gate), 2);
    }

    #[tokio::test]
    async fn a_higher_limit_lets_those_in_who_wait() {
        let gate = Gate::default();
        gate.set_most(1);
        let first = gate.try_enter().unwrap();
        let waiting = gate.enter();
        tokio::pin!(waiting);
        assert!(futures_util::poll!(&mut waiting).is_pending());
        gate.set_most(2);
        assert!(futures_util::poll!(&mut waiting).is_ready());
        drop(first);
    }
}
