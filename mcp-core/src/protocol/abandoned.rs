//! Work of clients that went away. Before 2026-07-28 a lost connection cancels nothing (ADR 7), but nobody is left to wait,
//! so there is a bound for how much of it goes on and for how long.

use super::Reply;
use crate::telemetry::Metrics;
use std::{
    collections::HashMap,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
    time::Duration,
};
use tokio::task::{JoinError, JoinHandle};

/// How much work goes on without its client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AbandonedSettings {
    /// Requests of all clients together.
    pub most: usize,
    /// Requests of one client: of one key, or of all that come without.
    pub most_per_client: usize,
    /// How long each of them may go on; its own timeout may end it earlier.
    pub patience: Duration,
}

impl Default for AbandonedSettings {
    fn default() -> Self {
        Self {
            most: 256,
            most_per_client: 16,
            patience: Duration::from_secs(30),
        }
    }
}

/// All abandoned requests in this process.
pub(super) struct Abandoned {
    settings: AbandonedSettings,
    metrics: Metrics,
    clients: Mutex<Clients>,
}

#[derive(Default)]
struct Clients {
    all: usize,
    each: HashMap<Arc<str>, usize>,
}

impl Abandoned {
    pub(super) fn new(settings: AbandonedSettings, metrics: Metrics) -> Arc<Self> {
        Arc::new(Self {
            settings,
            metrics,
            clients: Mutex::default(),
        })
    }

    /// A place for one more; `None` where there is none.
    fn place(self: &Arc<Self>, client: &Arc<str>) -> Option<Place> {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        let own = clients.each.get(client).copied().unwrap_or_default();
        if clients.all >= self.settings.most || own >= self.settings.most_per_client {
            return None;
        }
        clients.all += 1;
        clients.each.insert(client.clone(), own + 1);
        self.metrics.abandoned.inc();
        Some(Place {
            abandoned: self.clone(),
            client: client.clone(),
        })
    }

    fn take(self: &Arc<Self>, mut work: JoinHandle<Reply>, client: &Arc<str>) {
        let Some(place) = self.place(client) else {
            self.cancel(&work, client, "too much of it goes on already");
            return;
        };
        tokio::spawn(async move {
            let patience = place.abandoned.settings.patience;
            if tokio::time::timeout(patience, &mut work).await.is_err() {
                let reason = "it went on for too long";
                place.abandoned.cancel(&work, &place.client, reason);
            }
        });
    }

    fn cancel(&self, work: &JoinHandle<Reply>, client: &str, reason: &'static str) {
        work.abort();
        self.metrics.abandoned_cancelled.inc();
        tracing::debug!(client, reason, "work of a client that went away was cancelled");
    }
}

/// Counts one of them.
struct Place {
    abandoned: Arc<Abandoned>,
    client: Arc<str>,
}

impl Drop for Place {
    fn drop(&mut self) {
        let abandoned = &self.abandoned;
        abandoned.metrics.abandoned.dec();
        let mut clients = abandoned.clients.lock().unwrap_or_else(PoisonError::into_inner);
        clients.all = clients.all.saturating_sub(1);
        if let Some(own) = clients.each.get_mut(&self.client) {
            *own -= 1;
            if *own == 0 {
                clients.each.remove(&self.client);
            }
        }
    }
}

/// Work that somebody waits for. Dropped before it is done, it goes on within the bounds.
pub struct Attended {
    work: Option<JoinHandle<Reply>>,
    abandoned: Arc<Abandoned>,
    client: Arc<str>,
}

impl Attended {
    pub(super) fn new(work: JoinHandle<Reply>, abandoned: Arc<Abandoned>, client: Arc<str>) -> Self {
        Self {
            work: Some(work),
            abandoned,
            client,
        }
    }

    /// Ends the work: its client does not want it any more.
    pub(super) fn give_up(&mut self) {
        if let Some(work) = self.work.take() {
            work.abort();
        }
    }
}

impl Future for Attended {
    type Output = Result<Reply, JoinError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(work) = &mut self.work else {
            return Poll::Pending;
        };
        let polled = Pin::new(work).poll(context);
        if polled.is_ready() {
            self.work = None;
        }
        polled
    }
}

impl Drop for Attended {
    fn drop(&mut self) {
        let Some(work) = self.work.take() else { return };
        // Outside of a runtime the process is ending, and the work with it.
        if work.is_finished() || tokio::runtime::Handle::try_current().is_err() {
            return;
        }
        self.abandoned.take(work, &self.client);
    }
}
