//! How long a request has waited for its client: that is no time that its server took.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{sync::Notify, time::Instant};

/// The waits of one request.
#[derive(Debug, Default)]
pub(super) struct Waits {
    state: Mutex<State>,
    over: Notify,
}

#[derive(Debug, Default)]
struct State {
    open: usize,
    since: Option<Instant>,
    total: Duration,
}

impl State {
    /// What is left of the time; `None` while the client is waited for.
    fn left(&self, limit: Duration, before: Duration, elapsed: Duration) -> Option<Duration> {
        let waited = self.total.saturating_sub(before);
        (self.open == 0).then(|| (limit + waited).saturating_sub(elapsed))
    }
}

impl Waits {
    /// The client is waited for until the result is dropped.
    pub(super) fn begin(self: &Arc<Self>) -> Wait {
        let mut state = self.lock();
        state.open += 1;
        state.since.get_or_insert_with(Instant::now);
        drop(state);
        Wait(self.clone())
    }

    /// Ends after so much time in which the client was not waited for.
    pub(super) async fn besides(&self, limit: Duration) {
        let begun = Instant::now();
        let before = self.lock().total;
        loop {
            let over = self.over.notified();
            let left = self.lock().left(limit, before, begun.elapsed());
            match left {
                None => over.await,
                Some(Duration::ZERO) => return,
                Some(left) => tokio::time::sleep(left).await,
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One wait.
#[derive(Debug)]
pub(super) struct Wait(Arc<Waits>);

impl Drop for Wait {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.open -= 1;
        if state.open == 0
            && let Some(since) = state.since.take()
        {
            state.total += since.elapsed();
        }
        drop(state);
        self.0.over.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_in_which_the_client_is_waited_for_does_not_count() {
        let seconds = Duration::from_secs;
        let waits = Arc::new(Waits::default());
        let left = |elapsed| waits.lock().left(seconds(10), seconds(50), seconds(elapsed));
        waits.lock().total = seconds(50);
        assert_eq!(left(6), Some(seconds(4)));
        let (one, two) = (waits.begin(), waits.begin());
        assert_eq!(left(1_000), None);
        drop(one);
        assert_eq!(left(1_000), None);
        drop(two);
        // It was waited for, if not for long.
        assert!(waits.lock().since.is_none() && waits.lock().total > seconds(50));
        waits.lock().total = seconds(250);
        assert_eq!(left(206), Some(seconds(4)));
        assert_eq!(left(210), Some(Duration::ZERO));
    }
}
