//! The gateway under the configuration that is in effect: one value, replaced as a whole, so that nobody sees half of a
//! change.

use super::App;
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};
use tokio::sync::watch;

/// What everybody finds who begins something now.
pub struct Current {
    app: watch::Sender<Arc<App>>,
    /// Grows with each replacement: whoever keeps something that was made of an [`App`] sees by it that it is old.
    number: AtomicU64,
}

impl Current {
    pub(crate) fn new(app: Arc<App>) -> Arc<Self> {
        Arc::new_cyclic(|current| {
            // The first owner stays: there is one for each gateway.
            let _ = app.current.set(current.clone());
            Self {
                app: watch::Sender::new(app),
                number: AtomicU64::new(0),
            }
        })
    }

    /// The one that is in effect.
    pub fn now(&self) -> Arc<App> {
        self.app.borrow().clone()
    }

    /// How often it was replaced. Whoever reads a number finds at least that one by [`now`](Self::now) afterwards.
    pub fn number(&self) -> u64 {
        self.number.load(Ordering::Acquire)
    }

    /// Tells of replacements.
    pub(crate) fn subscribe(&self) -> watch::Receiver<Arc<App>> {
        self.app.subscribe()
    }

    /// From now on this one.
    pub(crate) fn replace(&self, app: App) -> Arc<App> {
        let app = Arc::new(app);
        let before = self.app.send_replace(app.clone());
        self.number.fetch_add(1, Ordering::Release);
        before.guard.retire(&app.guard);
        app
    }
}
