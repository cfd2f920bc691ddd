//! What is known of an upstream goes to disk for the next start: what changes often is gathered, and what came last is written at the end.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::sync::Notify;

/// Whether there is something to write, and who writes.
#[derive(Debug, Default)]
pub(super) struct Keeper {
    is_due: AtomicBool,
    noted: Notify,
    /// Held by whoever writes; `true` when nothing is to be written any more.
    is_over: Mutex<bool>,
}

impl Keeper {
    /// Something is not as it was written.
    pub(super) fn note(&self) {
        self.is_due.store(true, Ordering::Release);
        self.noted.notify_one();
    }

    /// Has it written whenever there is something, with pauses, until this is dropped.
    pub(super) async fn keep<F: Future<Output = ()>>(&self, pause: Duration, write: impl Fn() -> F) {
        loop {
            self.noted.notified().await;
            if self.is_due() {
                write().await;
                tokio::time::sleep(pause).await;
            }
        }
    }

    /// Whether there is something to write, which whoever asks does.
    pub(super) fn is_due(&self) -> bool {
        self.is_due.swap(false, Ordering::AcqRel)
    }

    /// Writes, unless it is over; one after the other, whoever asks.
    pub(super) fn write(&self, write: impl FnOnce()) {
        let is_over = self.is_over.lock().unwrap_or_else(PoisonError::into_inner);
        if !*is_over {
            write();
        }
    }

    /// From now on nothing is written: the upstream is gone, or another one by the same name writes.
    pub(super) fn give_up(&self) {
        *self.is_over.lock().unwrap_or_else(PoisonError::into_inner) = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicU32;

    #[tokio::test]
    async fn changes_are_gathered_and_the_last_one_is_not_lost() {
        let keeper = Keeper::default();
        let (state, written) = (AtomicU32::new(0), Mutex::new(Vec::new()));
        let change_to = |number| {
            state.store(number, Ordering::Relaxed);
            keeper.note();
        };
        let keeping = keeper.keep(Duration::from_secs(3_600), || {
            written.lock().unwrap().push(state.load(Ordering::Relaxed));
            std::future::ready(())
        });
        let mut keeping = std::pin::pin!(keeping);
        let mut go_on = async || assert!(futures_util::poll!(keeping.as_mut()).is_pending());
        go_on().await;
        assert!(written.lock().unwrap().is_empty());
        (1..=10).for_each(change_to);
        go_on().await;
        (11..=20).for_each(change_to);
        go_on().await;
        assert_eq!(*written.lock().unwrap(), [10], "the pause is not over");
        assert!(keeper.is_due(), "what came since is written at the end");
        assert!(!keeper.is_due());
    }

    #[test]
    fn nothing_is_written_of_what_is_gone() {
        let (keeper, writes) = (Keeper::default(), AtomicU32::new(0));
        let write = || {
            writes.fetch_add(1, Ordering::Relaxed);
        };
        keeper.write(write);
        keeper.give_up();
        keeper.write(write);
        assert_eq!(writes.load(Ordering::Relaxed), 1);
    }
}
