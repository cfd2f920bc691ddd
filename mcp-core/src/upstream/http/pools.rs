//! Connections to one server: each runtime that asks it has its own, so that an answer is read on the thread where it is waited for.

use crate::connect::Connector;
use arc_swap::ArcSwap;
use bytes::Bytes;
use http_body_util::Full;
use hyper_util::{
    client::legacy::Client,
    rt::{TokioExecutor, TokioTimer},
};
use std::{sync::Arc, time::Duration};
use tokio::runtime::{Handle, Id};

/// Connections that nobody uses are kept for this time.
const IDLE: Duration = Duration::from_secs(60);
/// How much is read at once, and how large the head of an answer may be: others wait for the thread meanwhile.
const READ: usize = 64 << 10;

/// Pooled connections.
pub(super) type Pool = Arc<Client<Connector, Full<Bytes>>>;

/// A pool for each runtime that has asked.
#[derive(Debug)]
pub(super) struct Pools {
    connector: Connector,
    /// Few, and never fewer: workers are there from the start to the end, but for one that was stuck and replaced.
    of_runtimes: ArcSwap<Vec<(Id, Pool)>>,
}

impl Pools {
    pub(super) fn new(connector: Connector) -> Self {
        Self {
            connector,
            of_runtimes: ArcSwap::default(),
        }
    }

    /// Those of the runtime that asks.
    pub(super) fn here(&self) -> Pool {
        let here = Handle::current().id();
        let of = |pools: &[(Id, Pool)]| {
            let found = pools.iter().find(|(runtime, _)| *runtime == here);
            found.map(|(_, pool)| pool.clone())
        };
        if let Some(known) = of(&self.of_runtimes.load()) {
            return known;
        }
        let new = self.pool();
        // A thread of the same runtime may be quicker.
        self.of_runtimes.rcu(|before| match of(before) {
            Some(_) => before.clone(),
            None => Arc::new(before.iter().cloned().chain([(here, new.clone())]).collect()),
        });
        of(&self.of_runtimes.load()).unwrap_or(new)
    }

    fn pool(&self) -> Pool {
        let client = Client::builder(TokioExecutor::new())
            .http1_max_buf_size(READ)
            .pool_timer(TokioTimer::new())
            .timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .build(self.connector.clone());
        Arc::new(client)
    }
}
