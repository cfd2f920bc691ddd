//! Background tasks and their owner: each has a name, is started anew after a panic, is counted, and is waited for when
//! the gateway ends.
//!
//! A name is shared by tasks of one kind and is a label of metrics, so there are few of them.

mod counted;
mod report;
mod supervised;

pub use counted::Counted;
pub use report::TaskReport;

use report::Row;
use std::{
    any::Any,
    collections::BTreeMap,
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// All background tasks of one gateway; clones share them.
#[derive(Clone, Debug, Default)]
pub struct Tasks {
    shared: Arc<Shared>,
    stop: CancellationToken,
}

/// How a task comes to its end when the gateway ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ends {
    /// It is dropped at its next `await`: it has nothing to finish.
    WhenTold,
    /// It notices the end itself and finishes its work first.
    ByItself,
}

#[derive(Debug, Default)]
struct Shared {
    rows: Mutex<BTreeMap<&'static str, Row>>,
    /// A task that is waited for has ended.
    ended: Condvar,
    #[cfg(feature = "testsuite")]
    panics: supervised::Panics,
}

impl Tasks {
    /// Starts a task on the runtime that this is called on. When what `make` makes panics, `make` is asked again after a
    /// wait; when it ends, the task has ended.
    pub fn spawn<F: Future<Output = ()> + Send + 'static>(
        &self,
        name: &'static str,
        ends: Ends,
        make: impl FnMut() -> F + Send + 'static,
    ) {
        tokio::spawn(self.supervise(name, ends, make));
    }

    /// The same as a future, for a thread with a runtime of its own. It counts as running from this call on.
    pub fn supervise<F, M>(
        &self,
        name: &'static str,
        ends: Ends,
        make: M,
    ) -> impl Future<Output = ()> + use<F, M>
    where
        F: Future<Output = ()>,
        M: FnMut() -> F,
    {
        supervised::run(self.clone(), Counted::new(self, name, Some(ends)), ends, make)
    }

    /// Starts something that ends with a result, for which its caller waits; after a panic it is for the caller to start
    /// it again. At the end of the gateway nobody waits for it.
    pub fn once<T: Send + 'static>(
        &self,
        name: &'static str,
        work: impl Future<Output = T> + Send + 'static,
    ) -> JoinHandle<T> {
        tokio::spawn(self.attend(name, work))
    }

    /// Counts work that has another owner, such as a thread: it counts as running from this call on.
    pub fn attend<T, F>(&self, name: &'static str, work: F) -> impl Future<Output = T> + use<T, F>
    where
        F: Future<Output = T>,
    {
        let (tasks, counted) = (self.clone(), Counted::new(self, name, None));
        async move {
            let _counted = counted;
            supervised::attempt(&tasks, name, || work).await
        }
    }

    /// Counts as running a thread that is waited for at the end, until the guard is dropped.
    pub fn count(&self, name: &'static str, ends: Ends) -> Counted {
        Counted::new(self, name, Some(ends))
    }

    /// Does one step of a task that is a loop of such steps, and tells whether it was done: a panic ends the step, and the loop
    /// goes on.
    pub fn step(&self, name: &'static str, step: impl FnOnce()) -> bool {
        let step = || {
            #[cfg(feature = "testsuite")]
            self.shared.panics.panic_in_step(name);
            step();
        };
        if let Err(panic) = catch_unwind(AssertUnwindSafe(step)) {
            self.note_panic(name, &*panic);
            self.change(name, Row::started_anew);
            return false;
        }
        true
    }

    /// How all of them are doing, by name.
    pub fn report(&self) -> Vec<TaskReport> {
        let rows = self.rows();
        rows.iter().map(|(name, row)| row.report(name)).collect()
    }

    /// The first task that panicked lately, or waits to be started again.
    pub fn in_trouble(&self) -> Option<&'static str> {
        let rows = self.rows();
        rows.iter()
            .find_map(|(name, row)| row.is_in_trouble().then_some(*name))
    }

    /// Ends all tasks that end when they are told.
    pub fn stop(&self) {
        self.stop.cancel();
    }

    /// The same tasks for somebody who may go before the gateway does: [`stop`](Self::stop) of what is returned ends only those that
    /// were started by it.
    pub fn branch(&self) -> Self {
        Self {
            shared: self.shared.clone(),
            stop: self.stop.child_token(),
        }
    }

    /// Waits until all tasks that end so have ended, for at most this time. Returns those that have not.
    ///
    /// It blocks the thread, so that it comes back also where the runtime of the tasks does not.
    pub fn wait(&self, ends: Ends, patience: Duration) -> Vec<&'static str> {
        let until = Instant::now() + patience;
        let mut rows = self.rows();
        loop {
            let left: Vec<_> = rows
                .iter()
                .filter(|(_, row)| row.awaited[ends as usize] > 0)
                .map(|(name, _)| *name)
                .collect();
            let now = Instant::now();
            if left.is_empty() || now >= until {
                return left;
            }
            let waited = self.shared.ended.wait_timeout(rows, until - now);
            (rows, _) = waited.unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Lets every task of this name panic once, wherever it is.
    #[cfg(feature = "testsuite")]
    pub fn make_panic(&self, name: &'static str) {
        self.shared.panics.arrange(name);
    }

    fn note_panic(&self, name: &'static str, panic: &(dyn Any + Send)) {
        self.change(name, Row::failed);
        let reason = panic_text(panic);
        tracing::error!(target: "dynmcp", task = name, reason, "a background task failed; it is started again");
    }

    fn change(&self, name: &'static str, change: impl FnOnce(&mut Row)) {
        change(self.rows().entry(name).or_default());
        self.shared.ended.notify_all();
    }

    fn rows(&self) -> MutexGuard<'_, BTreeMap<&'static str, Row>> {
        self.shared.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a panic said.
pub fn panic_text(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&'static str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("it panicked without a text")
}

#[cfg(test)]
mod tests;
