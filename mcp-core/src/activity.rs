//! What a thread works on at this moment, for whoever finds that it does not come back.
//!
//! The note belongs to the work: it changes places with what the thread's [`Activity`] shows while the work is polled,
//! so that showing it costs two short locks that nobody else holds, and no reference count.

use std::{
    fmt,
    future::{Future, poll_fn},
    mem,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// One thread's window. The thread writes, the watchdog reads.
#[derive(Debug, Default)]
pub struct Activity {
    shown: Mutex<Option<Doing>>,
}

/// What is being done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Doing {
    /// A request that is not known further: its access is checked, its body is read, its instance is prepared.
    Request(http::Uri),
    /// A tool call: arguments are checked and encoded, an answer is shaped.
    Call {
        /// The instance's id.
        instance: Arc<str>,
        /// The tool's name in the instance.
        tool: Arc<str>,
    },
}

impl Activity {
    /// What the thread does now; `None` while it waits or does what is not noted.
    pub fn now(&self) -> Option<Doing> {
        self.lock().clone()
    }

    /// Does the work, and shows it whenever the thread is at it. Work inside of work shows itself meanwhile.
    pub async fn during<F: Future>(&self, doing: Doing, mut work: Pin<&mut F>) -> F::Output {
        let mut note = Some(doing);
        poll_fn(|context| {
            let _shown = Shown::new(self, &mut note);
            work.as_mut().poll(context)
        })
        .await
    }

    fn lock(&self) -> MutexGuard<'_, Option<Doing>> {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The note is in the window; it comes back also from work that panics.
struct Shown<'a> {
    activity: &'a Activity,
    note: &'a mut Option<Doing>,
}

impl<'a> Shown<'a> {
    fn new(activity: &'a Activity, note: &'a mut Option<Doing>) -> Self {
        mem::swap(&mut *activity.lock(), note);
        Self { activity, note }
    }
}

impl Drop for Shown<'_> {
    fn drop(&mut self) {
        mem::swap(&mut *self.activity.lock(), self.note);
    }
}

impl fmt::Display for Doing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Request(uri) => write!(f, "a request of `{}`", uri.path()),
            Self::Call { instance, tool } => {
                write!(f, "a call of the tool `{tool}` of the instance `{instance}`")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;
    use std::{future::pending, panic::AssertUnwindSafe, pin::pin};

    fn call(tool: &str) -> Doing {
        let (instance, tool) = ("i".into(), tool.into());
        Doing::Call { instance, tool }
    }

    #[test]
    fn work_shows_while_it_is_polled_and_inner_work_instead_of_it() {
        let activity = Activity::default();
        let seen = Mutex::new(Vec::new());
        let see = || seen.lock().unwrap().push(activity.now());
        let inner = async {
            see();
            pending::<()>().await;
        };
        let outer = async {
            see();
            activity.during(call("inner"), pin!(inner)).now_or_never();
            see();
        };
        assert_eq!(
            activity.during(call("outer"), pin!(outer)).now_or_never(),
            Some(())
        );
        see();
        let expected = ["outer", "inner", "outer"].map(|tool| Some(call(tool)));
        assert_eq!(seen.into_inner().unwrap(), [&expected[..], &[None]].concat());
    }

    #[test]
    fn work_that_panics_is_not_shown_for_ever() {
        let activity = Activity::default();
        let work = async { panic!("as the test wants it") };
        let during = async { activity.during(call("t"), pin!(work)).await };
        assert!(
            AssertUnwindSafe(during)
                .catch_unwind()
                .now_or_never()
                .is_some_and(|ended| ended.is_err())
        );
        assert_eq!(activity.now(), None);
    }
}
