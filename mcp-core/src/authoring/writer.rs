//! The one way into a store: lock → check → write → wait until it is served. The admin API, the command line and whatever
//! else writes definitions come through here, so that none of them can skip a step.

mod error;
mod last_admin;
mod many;
mod one;
mod reach;
mod used_by;

use crate::tool::ToolCompiler;
pub use error::WriteError;
use mcp_common::{
    catalog::Catalog,
    datasource::{DataSource, Load},
    key::{Key, Kind, Revision},
};
pub use one::{Delete, Expectation, Put};
use std::{fmt, sync::Arc, time::Duration};
use tokio::sync::{Mutex, MutexGuard};

/// How long a write waits for the catalog to serve it.
const PATIENCE: Duration = Duration::from_secs(5);
/// How much of that the next write waits along; longer would make a store that is away hold up everybody in turn.
const EXCLUSIVE: Duration = Duration::from_secs(1);

/// Writes to one data source.
pub struct Writer {
    catalog: Arc<Catalog<ToolCompiler>>,
    source: Arc<dyn DataSource>,
    follows: Follows,
    /// One write at a time in this process: between the check of a write and its arrival in the catalog no other one
    /// may come in, or two writes that are fine alone could together take one name twice.
    turn: Mutex<()>,
}

/// How the catalog keeps up with the data source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Follows {
    /// It arrives by itself: what is written is there a moment later.
    ByItself,
    /// It does not arrive: it is loaded when it is needed.
    WhenLoaded,
}

/// What was done, and what its author should know.
#[derive(Debug)]
pub struct Written<T> {
    /// What there is to say about it.
    pub value: T,
    /// The revision of the last write; absent where nothing was written.
    pub revision: Option<Revision>,
    /// What is odd about it.
    pub warnings: Vec<String>,
}

impl Writer {
    /// A writer for a gateway, whose catalog follows the data source.
    pub fn of_gateway(catalog: Arc<Catalog<ToolCompiler>>, source: Arc<dyn DataSource>) -> Self {
        Self::new(catalog, source, Follows::ByItself)
    }

    /// A writer for a command that has the catalog and the data source to itself.
    pub fn alone(catalog: Arc<Catalog<ToolCompiler>>, source: Arc<dyn DataSource>) -> Self {
        Self::new(catalog, source, Follows::WhenLoaded)
    }

    fn new(catalog: Arc<Catalog<ToolCompiler>>, source: Arc<dyn DataSource>, follows: Follows) -> Self {
        Self {
            catalog,
            source,
            follows,
            turn: Mutex::default(),
        }
    }

    /// Everything that is stored, with the catalog at least as new, so that both can be compared.
    async fn stored(&self) -> Result<Load, WriteError> {
        let load = self.source.load().await?;
        if self.loads_itself() {
            self.take(load.clone()).await?;
            return Ok(load);
        }
        self.caught_up(load).await
    }

    /// What a write of one definition is checked with, where the catalog does not follow the data source.
    async fn look(&self, key: &Key) -> Result<(), WriteError> {
        if !self.loads_itself() {
            return Ok(());
        }
        let mut load = self.source.load().await?;
        // Definitions of other kinds stand for themselves, but for the secrets and the roles that they name: nothing has to be compiled to
        // check them.
        if key.kind == Kind::UPSTREAM {
            load.records
                .retain(|record| record.key == *key || record.key.kind == Kind::SECRET);
        } else if [Kind::API_KEY, Kind::ROLE].contains(&key.kind) {
            load.records
                .retain(|record| [Kind::API_KEY, Kind::ROLE].contains(&record.key.kind));
        } else if ![Kind::TOOL, Kind::INSTANCE, Kind::SECRET].contains(&key.kind) {
            load.records.retain(|record| record.key == *key);
        }
        self.take(load).await
    }

    fn loads_itself(&self) -> bool {
        self.follows == Follows::WhenLoaded
    }

    async fn take(&self, load: Load) -> Result<(), WriteError> {
        let catalog = self.catalog.clone();
        blocking(move || catalog.replace(load)).await?;
        Ok(())
    }

    /// Waits until the catalog has what was just read from the store.
    async fn caught_up(&self, mut load: Load) -> Result<Load, WriteError> {
        let revision = load.revision;
        let mut revisions = self.catalog.revisions();
        let arrival = async {
            loop {
                // Before the look: what arrives during it is looked at, too.
                revisions.mark_unchanged();
                let snapshot = self.catalog.snapshot();
                let looked = blocking(move || (snapshot.is_as_new_as(&load), load)).await?;
                load = match looked {
                    (true, load) => return Ok(load),
                    (false, load) => load,
                };
                if revisions.changed().await.is_err() {
                    return Err(WriteError::NotArrived(revision));
                }
            }
        };
        let arrived = tokio::time::timeout(PATIENCE, arrival).await;
        arrived.unwrap_or(Err(WriteError::NotArrived(revision)))
    }

    /// Waits until the revision is served; a warning if that takes too long. The next write has its turn when this one has
    /// arrived.
    async fn arrival(&self, revision: Revision, turn: MutexGuard<'_, ()>) -> Option<String> {
        if self.loads_itself() || self.catalog.wait_for(revision, EXCLUSIVE).await {
            return None;
        }
        drop(turn);
        if self.catalog.wait_for(revision, PATIENCE - EXCLUSIVE).await {
            return None;
        }
        // The write is safe in the store; that is all that can be said.
        let seconds = PATIENCE.as_secs();
        Some(format!(
            "revision {revision} is stored, but did not reach this replica within {seconds} s; see /admin/status"
        ))
    }
}

/// Work for a thread that may be busy.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, WriteError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| WriteError::Panicked(error.to_string()))
}

impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer")
            .field("follows", &self.follows)
            .finish_non_exhaustive()
    }
}
