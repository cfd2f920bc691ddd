//! Whose turn it is.

use super::{Owner, station::Thread};
use std::{
    collections::{HashMap, VecDeque},
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// Work, and whose it is.
pub(super) struct Errand {
    pub(super) owner: Owner,
    pub(super) work: Box<dyn FnOnce(&mut Thread<'_>) + Send>,
}

/// What became of an errand that was to be queued.
pub(super) enum Pushed {
    /// A thread will take it.
    Taken,
    /// The same, once the caller has started one more thread.
    NeedsThread,
    /// Too much of this owner waits.
    Full,
}

/// What waits, and how many threads there are for it.
pub(super) struct Queue {
    state: Mutex<State>,
    changed: Condvar,
    /// How many threads there may be.
    threads: usize,
    /// How many of them one owner may have.
    share: usize,
    /// How much of one owner may wait.
    most: usize,
}

#[derive(Default)]
struct State {
    owners: HashMap<usize, Of>,
    /// Owners with work that waits, in the order of their turns.
    turns: VecDeque<usize>,
    threads: usize,
    idle: usize,
    is_closed: bool,
}

#[derive(Default)]
struct Of {
    waiting: VecDeque<Errand>,
    running: usize,
}

impl Queue {
    pub(super) fn new(threads: usize, most: usize) -> Self {
        Self {
            state: Mutex::default(),
            changed: Condvar::new(),
            threads,
            share: (threads / 2).max(1),
            most,
        }
    }

    /// Nothing that can panic is done while it is locked.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn push(&self, errand: Errand) -> Pushed {
        let mut state = self.lock();
        let key = errand.owner.key;
        let of = state.owners.entry(key).or_default();
        if of.waiting.len() >= self.most {
            return Pushed::Full;
        }
        of.waiting.push_back(errand);
        if of.waiting.len() == 1 {
            state.turns.push_back(key);
        }
        let waiting = state.turns.len();
        if state.idle < waiting && state.threads < self.threads {
            state.threads += 1;
            return Pushed::NeedsThread;
        }
        drop(state);
        self.changed.notify_one();
        Pushed::Taken
    }

    /// From now on no thread stays without work.
    pub(super) fn close(&self) {
        self.lock().is_closed = true;
        self.changed.notify_all();
    }

    /// The next errand; `None` where there was none for so long, and the thread that asks is to end.
    pub(super) fn next(&self, patience: Duration) -> Option<Errand> {
        let until = Instant::now() + patience;
        let mut state = self.lock();
        loop {
            if let Some(errand) = state.take(self.share) {
                return Some(errand);
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() || state.is_closed {
                state.threads -= 1;
                return None;
            }
            state.idle += 1;
            let waited = self.changed.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
            state.idle -= 1;
        }
    }

    /// An errand of this owner is done.
    pub(super) fn finished(&self, key: usize) {
        let mut state = self.lock();
        if let Some(of) = state.owners.get_mut(&key) {
            of.running -= 1;
            if of.running == 0 && of.waiting.is_empty() {
                state.owners.remove(&key);
            }
        }
        drop(state);
        // Work of this owner may have waited for its share.
        self.changed.notify_one();
    }

    /// The thread that was announced is not there.
    pub(super) fn thread_ended(&self) {
        self.lock().threads -= 1;
    }
}

impl State {
    /// Takes the errand of the first owner whose turn it is and who does not have its share already.
    fn take(&mut self, share: usize) -> Option<Errand> {
        for _ in 0..self.turns.len() {
            let key = self.turns.pop_front()?;
            let Some(of) = self.owners.get_mut(&key) else {
                continue;
            };
            if of.running >= share {
                self.turns.push_back(key);
                continue;
            }
            let errand = of.waiting.pop_front();
            if !of.waiting.is_empty() {
                self.turns.push_back(key);
            }
            if errand.is_some() {
                of.running += 1;
                return errand;
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn errand(key: usize) -> Errand {
        let owner = Owner {
            key,
            name: "t".into(),
        };
        Errand {
            owner,
            work: Box::new(|_| {}),
        }
    }

    fn taken(queue: &Queue) -> Option<usize> {
        queue.next(Duration::ZERO).map(|errand| errand.owner.key)
    }

    #[test]
    fn owners_take_turns_and_have_their_share_only() {
        let queue = Queue::new(4, 8);
        for key in [1, 1, 1, 1, 1, 2, 3] {
            assert!(!matches!(queue.push(errand(key)), Pushed::Full));
        }
        // Two of four threads are what one may have, however much of it waits.
        let order: Vec<_> = (0..4).map(|_| taken(&queue)).collect();
        assert_eq!(order, [Some(1), Some(2), Some(3), Some(1)]);
        assert_eq!(taken(&queue), None);
        queue.finished(1);
        assert_eq!(taken(&queue), Some(1));
        assert_eq!(taken(&queue), None);
    }

    #[test]
    fn what_waits_is_bounded_by_owner() {
        let queue = Queue::new(4, 2);
        for _ in 0..2 {
            assert!(!matches!(queue.push(errand(1)), Pushed::Full));
        }
        assert!(matches!(queue.push(errand(1)), Pushed::Full));
        assert!(!matches!(queue.push(errand(2)), Pushed::Full));
    }

    #[test]
    fn there_are_no_more_threads_than_allowed() {
        let queue = Queue::new(2, 8);
        let wanted = (0..5).filter(|key| matches!(queue.push(errand(*key)), Pushed::NeedsThread));
        assert_eq!(wanted.count(), 2);
    }
}
