//! A task that is made anew after a panic.

use super::{Ends, Tasks, counted::Counted};
use crate::backoff::{Backoff, LONGEST};
use futures_util::FutureExt;
use std::{future::Future, panic::AssertUnwindSafe, time::Instant};

/// Runs until what is made ends, or until the end of all tasks.
pub(super) async fn run<F: Future<Output = ()>>(
    tasks: Tasks,
    counted: Counted,
    ends: Ends,
    mut make: impl FnMut() -> F,
) {
    let stop = tasks.stop.clone();
    let told = async {
        match ends {
            Ends::WhenTold => stop.cancelled().await,
            Ends::ByItself => std::future::pending().await,
        }
    };
    tokio::select! {
        biased;
        () = told => {}
        () = keep(&tasks, &counted, &mut make) => {}
    }
}

async fn keep<F: Future<Output = ()>>(tasks: &Tasks, counted: &Counted, make: &mut impl FnMut() -> F) {
    let mut backoff = Backoff::default();
    loop {
        let start = Instant::now();
        let attempt = attempt(tasks, counted.name(), &mut *make);
        let Err(panic) = AssertUnwindSafe(attempt).catch_unwind().await else {
            return;
        };
        tasks.note_panic(counted.name(), &*panic);
        if start.elapsed() > LONGEST {
            backoff.reset();
        }
        counted.wait();
        tokio::time::sleep(backoff.next_wait()).await;
        counted.go_on();
    }
}

#[cfg(not(feature = "testsuite"))]
pub(super) async fn attempt<F: Future>(_: &Tasks, _: &'static str, make: impl FnOnce() -> F) -> F::Output {
    make().await
}

#[cfg(feature = "testsuite")]
pub(super) async fn attempt<F: Future>(
    tasks: &Tasks,
    name: &'static str,
    make: impl FnOnce() -> F,
) -> F::Output {
    let arranged = tasks.shared.panics.of(name);
    tokio::select! {
        biased;
        () = arranged => panic!("arranged by a test"),
        output = async { make().await } => output,
    }
}

/// Panics that tests arrange.
#[cfg(feature = "testsuite")]
#[derive(Debug, Default)]
pub(super) struct Panics {
    wanted: tokio::sync::watch::Sender<Option<&'static str>>,
    in_steps: std::sync::Mutex<std::collections::BTreeSet<&'static str>>,
}

#[cfg(feature = "testsuite")]
impl Panics {
    pub(super) fn arrange(&self, name: &'static str) {
        self.steps().insert(name);
        self.wanted.send_replace(Some(name));
    }

    /// Ready when one is arranged after this call.
    fn of(&self, name: &'static str) -> impl Future<Output = ()> + use<> {
        let mut wanted = self.wanted.subscribe();
        async move {
            loop {
                if wanted.changed().await.is_err() {
                    return std::future::pending().await;
                }
                if *wanted.borrow_and_update() == Some(name) {
                    return;
                }
            }
        }
    }

    pub(super) fn panic_in_step(&self, name: &'static str) {
        let is_wanted = self.steps().remove(name);
        assert!(!is_wanted, "arranged by a test");
    }

    fn steps(&self) -> std::sync::MutexGuard<'_, std::collections::BTreeSet<&'static str>> {
        self.in_steps
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
