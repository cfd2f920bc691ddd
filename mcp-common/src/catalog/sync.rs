//! Keeps a catalog in step with a data source: load, watch, and on any trouble wait a little and go on from where it
//! is. The catalog serves on meanwhile.

mod backoff;
mod status;
mod stopgap;

pub use status::SyncStatus;
pub use stopgap::Stopgap;

use super::{Applied, Catalog, Compile};
use crate::{
    datasource::{Batch, DataSource, Load, SourceError},
    tasks::panic_text,
};
use backoff::Backoff;
use futures_util::{FutureExt, StreamExt};
use std::{
    future::Future,
    panic::{AssertUnwindSafe, resume_unwind},
    sync::Arc,
    time::Duration,
};

/// A stream of changes that lives this long without an error counts as a working one.
const STEADY: Duration = Duration::from_secs(1);

/// Runs until `shutdown` is ready.
pub async fn run<C: Compile>(
    source: Arc<dyn DataSource>,
    catalog: Arc<Catalog<C>>,
    status: Arc<SyncStatus>,
    shutdown: impl Future<Output = ()>,
) {
    run_with(source, catalog, status, Stopgap::none(), shutdown).await;
}

/// Runs until `shutdown` is ready; the stopgap bridges the time until the data source answers.
pub async fn run_with<C: Compile>(
    source: Arc<dyn DataSource>,
    catalog: Arc<Catalog<C>>,
    status: Arc<SyncStatus>,
    stopgap: Stopgap,
    shutdown: impl Future<Output = ()>,
) {
    let follow = Follow {
        source,
        // What is there may be a stopgap's.
        must_load: !(catalog.loaded() && status.has_loaded()),
        catalog,
        status,
        backoff: Backoff::default(),
        stopgap: Some(stopgap),
    };
    tokio::select! {
        () = shutdown => {}
        () = follow.forever() => {}
    }
}

struct Follow<C: Compile> {
    source: Arc<dyn DataSource>,
    catalog: Arc<Catalog<C>>,
    status: Arc<SyncStatus>,
    backoff: Backoff,
    /// The catalog has nothing that this source gave, or too little.
    must_load: bool,
    /// What is served until the first load.
    stopgap: Option<Stopgap>,
}

impl<C: Compile> Follow<C> {
    async fn forever(mut self) {
        loop {
            let error = match AssertUnwindSafe(self.turn()).catch_unwind().await {
                Ok(Ok(never)) => match never {},
                Ok(Err(error)) => error,
                // Whoever owns this task starts it again; until then what is served may be behind the store.
                Err(panic) => {
                    let reason = format!("its plugin panicked: {}", panic_text(&*panic));
                    self.status.failed(&SourceError::Broken(reason));
                    resume_unwind(panic)
                }
            };
            if let SourceError::HistoryLost { from } = &error {
                tracing::info!(
                    from,
                    "the data source no longer has these changes; loading everything again"
                );
                if !self.must_load {
                    self.must_load = true;
                    tokio::time::sleep(self.backoff.after_loss()).await;
                    continue;
                }
            } else {
                self.status.failed(&error);
            }
            tokio::time::sleep(self.backoff.next()).await;
        }
    }

    /// Ends only with an error.
    async fn turn(&mut self) -> Result<std::convert::Infallible, SourceError> {
        if self.must_load {
            let load = self.load().await?;
            self.status.loaded();
            if !self.catalog.loaded() {
                // Whoever sees that the gateway is ready must not read at the same time that the source is away.
                self.status.working();
            }
            self.replace(load).await?;
            self.must_load = false;
            self.status.working();
            self.say_what_is_disabled().await;
        }
        let from = self.catalog.snapshot().revision;
        let mut changes = self.source.watch(from).await?;
        loop {
            let next = match tokio::time::timeout(STEADY, changes.next()).await {
                Ok(next) => next,
                Err(_) => {
                    self.works();
                    changes.next().await
                }
            };
            let ended = || SourceError::Unavailable("the stream of changes ended".to_owned());
            let batch = next.ok_or_else(ended)??;
            self.apply(batch).await?;
            self.works();
        }
    }

    /// Changes come, or nothing has gone wrong for a while.
    fn works(&mut self) {
        self.status.working();
        self.backoff.reset();
    }

    async fn load(&mut self) -> Result<Load, SourceError> {
        match self.stopgap.take() {
            Some(stopgap) => stopgap::first_load(&*self.source, &self.catalog, stopgap).await,
            None => self.source.load().await,
        }
    }

    /// Compiling is work for a thread that may be busy, and it is done to the end even at shutdown.
    async fn replace(&mut self, load: Load) -> Result<(), SourceError> {
        let catalog = self.catalog.clone();
        let applied = tokio::task::spawn_blocking(move || catalog.replace(load))
            .await
            .map_err(panicked)?;
        self.log(&applied);
        Ok(())
    }

    /// What is stored and not served has to be seen, above all after a table was taken over.
    async fn say_what_is_disabled(&mut self) {
        match self.source.disabled().await {
            Ok(0) => {}
            Ok(disabled) => tracing::warn!(
                disabled,
                "definitions in the data source are switched off there and not served"
            ),
            Err(error) => tracing::debug!(%error, "how many definitions are switched off is not known"),
        }
    }

    async fn apply(&mut self, batch: Batch) -> Result<(), SourceError> {
        let catalog = self.catalog.clone();
        tokio::task::spawn_blocking(move || catalog.apply(batch))
            .await
            .map_err(panicked)?;
        Ok(())
    }

    fn log(&self, applied: &Applied) {
        let snapshot = self.catalog.snapshot();
        tracing::info!(
            revision = applied.revision,
            tools = snapshot.tools.len(),
            instances = snapshot.instances.len(),
            quarantined = snapshot.quarantine.len(),
            "{}",
            if applied.first_load {
                "first complete load"
            } else {
                "loaded again"
            }
        );
    }
}

fn panicked(error: tokio::task::JoinError) -> SourceError {
    SourceError::Broken(format!("the catalog could not take a change: {error}"))
}
