//! The gateway's own copy of its definitions on disk, for a start while the data source is away and for the last good
//! versions of what is in quarantine.
//!
//! It is a cache: what is wrong with it is said and costs nothing else.

mod disk;
mod format;
mod keeper;
mod owner;
#[cfg(test)]
mod tests;

use crate::settings::Settings;
pub(super) use keeper::keep;
use mcp_common::catalog::Remembered;
use owner::Owner;
use std::{
    io,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

const FILE: &str = "definitions.snapshot";

/// Beside it: the last one that could not be used. It may hold the only last good version of a definition.
const ASIDE: &str = "definitions.snapshot.unused";

/// The data source that forgets on purpose.
const FORGETFUL: &str = "memory";

/// Where a gateway keeps what it may forget; nowhere, where its data source forgets on purpose.
pub(super) fn folder(settings: &Settings) -> Option<&Path> {
    (settings.app.data_source != FORGETFUL).then_some(settings.app.data_dir.as_path())
}

/// Where the copy is, and of what.
#[derive(Clone, Debug)]
pub(super) struct Place {
    file: PathBuf,
    owner: Owner,
    /// What is there now is not ours, or not whole.
    is_unusable: Arc<AtomicBool>,
}

/// Why a copy is not used. The texts go on with what is done about it.
#[derive(Debug, thiserror::Error)]
enum Unusable {
    #[error("cannot be read ({0}); going on without it")]
    Unreadable(io::Error),
    #[error(
        "is damaged ({0}); going on without it, the first load writes a new one and keeps this as `{ASIDE}`"
    )]
    Damaged(String),
    #[error(
        "has the format {0} of another version of DynMCP; going on without it, the first load writes a new one and keeps \
         this as `{ASIDE}`"
    )]
    OtherVersion(String),
    #[error(
        "is of another data source ({0}); going on without it, the first load writes a new one and keeps this as `{ASIDE}`"
    )]
    OtherSource(String),
}

impl Place {
    /// `None` for a data source of which no copy is kept.
    pub(super) fn of(settings: &Settings) -> Option<Self> {
        let name = &settings.app.data_source;
        folder(settings).map(|folder| Self {
            file: folder.join(FILE),
            owner: Owner::new(name, settings.data_source.get(name)),
            is_unusable: Arc::default(),
        })
    }

    /// Reads the copy, if there is one that can be used.
    pub(super) async fn read(self) -> Option<Remembered> {
        let read = tokio::task::spawn_blocking(move || {
            let read = self.read_now();
            read.unwrap_or_else(|error| {
                tracing::warn!("the snapshot `{}` {error}", self.file.display());
                None
            })
        });
        read.await.unwrap_or(None)
    }

    fn read_now(&self) -> Result<Option<Remembered>, Unusable> {
        let text = match std::fs::read(&self.file) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Unusable::Unreadable(error)),
        };
        let read = format::read(text.into(), &self.owner).map(Some);
        self.is_unusable.store(read.is_err(), Ordering::Relaxed);
        read
    }
}
