//! State that calls change, by the id of what it belongs to. Compiled artefacts have none of it: it survives that they are
//! compiled again, or given up and compiled anew, and goes when nobody holds the definition any more.

mod bulkhead;
mod gate;
mod retry_budget;
mod turns;

pub(crate) use bulkhead::Bulkhead;
pub(crate) use gate::{Gate, Place};
pub(crate) use retry_budget::RetryBudget;
use std::{
    collections::HashMap,
    fmt,
    ops::Deref,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
};
pub use turns::QueueStatus;
pub(crate) use turns::{NoTurn, QueueRule, Turns};

/// The states of one kind of definitions. Clones are the same home.
pub(crate) struct Home<S>(Arc<States<S>>);

/// A state that is in a home as long as somebody holds it.
pub(crate) struct Lived<S> {
    id: Arc<str>,
    home: Weak<States<S>>,
    state: S,
}

type States<S> = Mutex<HashMap<Arc<str>, Weak<Lived<S>>>>;

fn locked<S>(states: &States<S>) -> MutexGuard<'_, HashMap<Arc<str>, Weak<Lived<S>>>> {
    states.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<S: Default> Home<S> {
    /// The state of that id, a new one where there is none.
    pub(crate) fn of(&self, id: &Arc<str>) -> Arc<Lived<S>> {
        let mut states = locked(&self.0);
        if let Some(known) = states.get(id).and_then(Weak::upgrade) {
            return known;
        }
        let new = Arc::new(Lived {
            id: id.clone(),
            home: Arc::downgrade(&self.0),
            state: S::default(),
        });
        states.insert(id.clone(), Arc::downgrade(&new));
        new
    }
}

impl<S> Home<S> {
    /// The state of that id, if it lives.
    pub(crate) fn find(&self, id: &str) -> Option<Arc<Lived<S>>> {
        locked(&self.0).get(id).and_then(Weak::upgrade)
    }

    /// How many states live here.
    pub(crate) fn len(&self) -> usize {
        locked(&self.0).len()
    }
}

impl<S> Drop for Lived<S> {
    fn drop(&mut self) {
        let Some(home) = self.home.upgrade() else { return };
        let mut states = locked(&home);
        // Somebody may have asked since the last holder left: the place is then another state's.
        if states
            .get(&self.id)
            .is_some_and(|there| there.strong_count() == 0)
        {
            states.remove(&self.id);
        }
    }
}

impl<S> Deref for Lived<S> {
    type Target = S;

    fn deref(&self) -> &S {
        &self.state
    }
}

impl<S> Default for Home<S> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<S> Clone for Home<S> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<S> fmt::Debug for Home<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Home").field("len", &self.len()).finish()
    }
}

impl<S: fmt::Debug> fmt::Debug for Lived<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Lived").field(&self.id).field(&self.state).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering};

    #[test]
    fn a_state_lives_as_long_as_somebody_holds_it() {
        let home = Home::<AtomicU32>::default();
        let (one, other) = (Arc::from("one"), Arc::from("other"));
        let held = home.of(&one);
        held.store(7, Ordering::Relaxed);
        assert_eq!(home.of(&one).load(Ordering::Relaxed), 7);
        assert_eq!(home.of(&other).load(Ordering::Relaxed), 0);
        assert!(home.find("other").is_none(), "nobody holds it");
        assert_eq!(home.len(), 1);
        drop(held);
        assert_eq!(home.len(), 0);
        assert_eq!(home.of(&one).load(Ordering::Relaxed), 0);
    }
}
