//! How far a long import is, for whoever waits for it.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

/// What is not longer than this needs no word.
const EVERY: Duration = Duration::from_secs(2);

/// Is told now and then how far the import is; nobody by default.
#[derive(Clone, Default)]
pub struct Progress(Option<Arc<Listener>>);

struct Listener {
    tell: Box<dyn Fn(&str) + Send + Sync>,
    last: Mutex<Instant>,
}

impl Progress {
    /// Tells `tell`, at most every two seconds, and not before two have passed.
    pub fn new(tell: impl Fn(&str) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(Listener {
            tell: Box::new(tell),
            last: Mutex::new(Instant::now()),
        })))
    }

    /// `done` of `all` operations, or definitions, have been through this step.
    pub(in crate::authoring) fn at(&self, step: &str, done: usize, all: usize) {
        let Some(listener) = &self.0 else { return };
        let mut last = listener.last.lock().unwrap_or_else(PoisonError::into_inner);
        if last.elapsed() >= EVERY {
            *last = Instant::now();
            (listener.tell)(&format!("{step}: {done} of {all}"));
        }
    }
}

impl fmt::Debug for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Progress").field(&self.0.is_some()).finish()
    }
}
