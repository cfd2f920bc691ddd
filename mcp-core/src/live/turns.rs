//! Calls that wait for a place. Who calls takes turns with others who do, however many calls each of them has waiting, and a full queue gives way to who has
//! fewer in it.

use std::{
    collections::{HashMap, VecDeque},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU8, AtomicU64, AtomicUsize, Ordering, fence},
    },
    time::{Duration, Instant},
};
use tokio::{sync::Notify, time::timeout};

/// How often who waits looks for places that came without anybody leaving one, as when a breaker lets a request through again.
const LOOK: Duration = Duration::from_millis(250);

/// How many wait, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct QueueRule {
    /// Calls that wait at once.
    pub(crate) length: usize,
    /// How long each of them does at the most.
    pub(crate) wait: Duration,
}

/// Why a call got no place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NoTurn {
    /// So many wait already.
    #[error("{0} wait already (`limits.queue`)")]
    Full(usize),
    /// It waited for so long.
    #[error("none ended within {0:?} (`limits.queue_ms`)")]
    Late(Duration),
}

/// A queue.
#[derive(Debug, Default)]
pub(crate) struct Turns {
    /// Calls that wait, also those whose turn has come and who have no place yet.
    waiting: AtomicUsize,
    lines: Mutex<Lines>,
    waited: AtomicU64,
    refused: AtomicU64,
    /// Microseconds, of all that waited.
    waited_us: AtomicU64,
}

/// What a queue has come to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct QueueStatus {
    /// Calls that wait now.
    pub waiting: usize,
    /// Those that waited, since the gateway knows the upstream.
    pub waited: u64,
    /// Those that were refused: the queue was full, or they waited for too long.
    pub refused: u64,
    /// How long they waited, all together.
    pub wait: Duration,
}

impl QueueStatus {
    /// Of two queues that calls wait in, one after the other.
    pub(crate) fn and(self, other: Self) -> Self {
        Self {
            waiting: self.waiting + other.waiting,
            waited: self.waited + other.waited,
            refused: self.refused + other.refused,
            wait: self.wait + other.wait,
        }
    }
}

/// Who waits, by whoever calls.
#[derive(Debug, Default)]
struct Lines {
    of: HashMap<Arc<str>, VecDeque<Arc<Waiter>>>,
    /// The callers of whom anybody waits; the next one is the first.
    turns: VecDeque<Arc<str>>,
    count: usize,
}

#[derive(Debug, Default)]
struct Waiter {
    said: AtomicU8,
    told: Notify,
    /// How often it was called, one time after the other, and got nothing.
    missed: AtomicU8,
}

/// Somebody else may have taken the place that was meant for it; who gets nothing again waits for other places than those that come free, as
/// calls that began before a bound was raised do.
const MISSES: u8 = 2;

/// What a waiter is told.
const TURN: u8 = 1;
const DISPLACED: u8 = 2;

impl Waiter {
    fn tell(&self, what: u8) {
        self.said.store(what, Ordering::Release);
        self.told.notify_one();
    }
}

impl Turns {
    /// What `attempt` gets, as soon as it gets something and it is this caller's turn. `has_room` says whether the next one would get something now. It is
    /// over at `until` at the latest.
    pub(crate) async fn take<T, E>(
        &self,
        rule: QueueRule,
        (caller, until): (Option<&str>, Instant),
        attempt: impl Fn() -> Result<Option<T>, E>,
        has_room: impl Fn() -> bool,
    ) -> Result<Result<T, NoTurn>, E> {
        // Who comes now does not overtake those who wait.
        if self.is_empty()
            && let Some(got) = attempt()?
        {
            return Ok(Ok(got));
        }
        let begun = Instant::now();
        let Some(waiting) = self.join(caller, rule.length) else {
            return Ok(Err(self.refuse(NoTurn::Full(rule.length))));
        };
        let limit = rule.wait.min(until.saturating_duration_since(begun));
        let next = || {
            if has_room() {
                self.call_next();
            }
        };
        next();
        loop {
            let left = limit.saturating_sub(begun.elapsed());
            if left.is_zero() {
                return Ok(Err(self.refuse(NoTurn::Late(limit))));
            }
            match timeout(left.min(LOOK), waiting.told()).await {
                Err(_) => {
                    next();
                    continue;
                }
                Ok(DISPLACED) => return Ok(Err(self.refuse(NoTurn::Full(rule.length)))),
                Ok(_) => {}
            }
            match attempt()? {
                Some(got) => {
                    self.waited.fetch_add(1, Ordering::Relaxed);
                    let us = u64::try_from(begun.elapsed().as_micros()).unwrap_or_default();
                    self.waited_us.fetch_add(us, Ordering::Relaxed);
                    waiting.has_place();
                    // One who left may have left several places.
                    next();
                    return Ok(Ok(got));
                }
                None => {
                    waiting.again();
                    next();
                }
            }
        }
    }

    /// Somebody left a place.
    pub(crate) fn left(&self) {
        // Who waits says so before looking for a place, who leaves looks for somebody who waits after leaving: one of both sees the other.
        fence(Ordering::SeqCst);
        if !self.is_empty() {
            self.call_next();
        }
    }

    pub(crate) fn status(&self) -> QueueStatus {
        QueueStatus {
            waiting: self.waiting.load(Ordering::Relaxed),
            waited: self.waited.load(Ordering::Relaxed),
            refused: self.refused.load(Ordering::Relaxed),
            wait: Duration::from_micros(self.waited_us.load(Ordering::Relaxed)),
        }
    }

    fn is_empty(&self) -> bool {
        self.waiting.load(Ordering::Relaxed) == 0
    }

    fn refuse(&self, why: NoTurn) -> NoTurn {
        self.refused.fetch_add(1, Ordering::Relaxed);
        why
    }

    /// Behind those of the same caller; `None` where so many wait that there is no place, and nobody has more in it than this one.
    fn join(&self, caller: Option<&str>, most: usize) -> Option<Waiting<'_>> {
        let caller: Arc<str> = caller.unwrap_or_default().into();
        let waiter = Arc::new(Waiter::default());
        let mut lines = self.lock();
        if lines.count >= most && !lines.give_way_to(&caller) {
            return None;
        }
        lines.add(&caller, waiter.clone(), false);
        self.waiting.fetch_add(1, Ordering::Relaxed);
        drop(lines);
        fence(Ordering::SeqCst);
        Some(Waiting {
            turns: self,
            caller,
            waiter,
            has_place: false.into(),
        })
    }

    fn call_next(&self) {
        let next = self.lock().next_turn();
        if let Some(waiter) = next {
            waiter.tell(TURN);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Lines> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lines {
    fn add(&mut self, caller: &Arc<str>, waiter: Arc<Waiter>, is_first: bool) {
        let line = self.of.entry(caller.clone()).or_default();
        if line.is_empty() {
            match is_first {
                true => self.turns.push_front(caller.clone()),
                false => self.turns.push_back(caller.clone()),
            }
        }
        match is_first {
            true => line.push_front(waiter),
            false => line.push_back(waiter),
        }
        self.count += 1;
    }

    /// Whose turn it is. The one after it is another caller's, if there is one.
    fn next_turn(&mut self) -> Option<Arc<Waiter>> {
        let caller = self.turns.pop_front()?;
        let line = self.of.get_mut(&caller)?;
        let waiter = line.pop_front();
        match line.is_empty() {
            true => drop(self.of.remove(&caller)),
            false => self.turns.push_back(caller),
        }
        self.count -= usize::from(waiter.is_some());
        waiter
    }

    /// Who has most in the queue loses the last of them to somebody who has fewer.
    fn give_way_to(&mut self, caller: &Arc<str>) -> bool {
        let own = self.of.get(caller).map_or(0, VecDeque::len);
        let longest = self.of.iter_mut().max_by_key(|(_, line)| line.len());
        let Some((_, line)) = longest.filter(|(_, line)| line.len() > own + 1) else {
            return false;
        };
        if let Some(last) = line.pop_back() {
            self.count -= 1;
            last.tell(DISPLACED);
        }
        true
    }

    /// Whether it was there.
    fn remove(&mut self, caller: &Arc<str>, waiter: &Arc<Waiter>) -> bool {
        let Some(line) = self.of.get_mut(caller) else {
            return false;
        };
        let Some(place) = line.iter().position(|one| Arc::ptr_eq(one, waiter)) else {
            return false;
        };
        line.remove(place);
        self.count -= 1;
        if line.is_empty() {
            self.of.remove(caller);
            self.turns.retain(|one| one != caller);
        }
        true
    }
}

/// A call that waits. Given up, it is nobody's turn that is lost.
struct Waiting<'a> {
    turns: &'a Turns,
    caller: Arc<str>,
    waiter: Arc<Waiter>,
    has_place: std::sync::atomic::AtomicBool,
}

impl Waiting<'_> {
    async fn told(&self) -> u8 {
        loop {
            match self.waiter.said.load(Ordering::Acquire) {
                0 => self.waiter.told.notified().await,
                said => return said,
            }
        }
    }

    /// Before all others: somebody else took the place that was meant for it. Behind them, where that is not the reason: they are not to wait for it.
    fn again(&self) {
        let mut lines = self.turns.lock();
        self.waiter.said.store(0, Ordering::Release);
        let missed = self.waiter.missed.load(Ordering::Relaxed) + 1;
        let is_first = missed < MISSES;
        self.waiter
            .missed
            .store(if is_first { missed } else { 0 }, Ordering::Relaxed);
        lines.add(&self.caller, self.waiter.clone(), is_first);
        drop(lines);
        fence(Ordering::SeqCst);
    }

    fn has_place(&self) {
        self.has_place.store(true, Ordering::Relaxed);
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let was_in_line = self.turns.lock().remove(&self.caller, &self.waiter);
        self.turns.waiting.fetch_sub(1, Ordering::Relaxed);
        let was_called = !was_in_line && self.waiter.said.load(Ordering::Acquire) == TURN;
        if was_called && !self.has_place.load(Ordering::Relaxed) {
            self.turns.call_next();
        }
    }
}

#[cfg(test)]
mod tests;
