//! Clients that never stop asking: calls and lists of both eras, in turns. One that fails, whatever the reason, or is
//! answered wrongly, fails the test.

use crate::{fixture::INSTANCE, load};
use anyhow::{Context, Result, ensure};
use dynmcp_harness::{Mcp, Replicas};
use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::task::JoinSet;

const CLIENTS: usize = 6;
/// Between an answer and the next request of a client; other tests run beside this one.
const PAUSE: Duration = Duration::from_millis(10);

pub(crate) struct Traffic {
    clients: JoinSet<Result<()>>,
    times: Arc<Mutex<Vec<Duration>>>,
}

impl Traffic {
    pub(crate) fn start(replicas: &Replicas) -> Self {
        let mut traffic = Self {
            clients: JoinSet::new(),
            times: Arc::default(),
        };
        let numbers = Arc::new(AtomicUsize::new(0));
        for client in 0..CLIENTS {
            let gateway = &replicas.all()[client % replicas.all().len()];
            let endpoint = gateway.endpoint(INSTANCE);
            let client = ask_on(endpoint, numbers.clone(), traffic.times.clone());
            traffic.clients.spawn(client);
        }
        traffic
    }

    /// How long the answers since the last time took, in ascending order.
    pub(crate) async fn times(&mut self) -> Result<Times> {
        if let Some(ended) = self.clients.try_join_next() {
            ended?.context("a client failed")?;
        }
        let mut times = std::mem::take(&mut *self.times.lock().unwrap_or_else(PoisonError::into_inner));
        ensure!(times.len() >= CLIENTS, "only {} answers", times.len());
        times.sort_unstable();
        Ok(Times(times))
    }
}

pub(crate) struct Times(Vec<Duration>);

impl Times {
    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn median(&self) -> Duration {
        self.0[self.0.len() / 2]
    }

    pub(crate) fn longest(&self) -> Duration {
        self.0.last().copied().unwrap_or_default()
    }
}

/// Ends only with an error.
async fn ask_on(endpoint: String, numbers: Arc<AtomicUsize>, times: Arc<Mutex<Vec<Duration>>>) -> Result<()> {
    let mcp = Mcp::default();
    loop {
        let number = numbers.fetch_add(1, Ordering::Relaxed);
        let start = Instant::now();
        let (status, body) = load::ask(&mcp, &endpoint, number).await?;
        let time = start.elapsed();
        load::check(number, status, &body)?;
        times.lock().unwrap_or_else(PoisonError::into_inner).push(time);
        tokio::time::sleep(PAUSE).await;
    }
}
