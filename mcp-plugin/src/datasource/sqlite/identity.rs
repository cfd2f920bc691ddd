//! Notices that somebody put another file under the path, a restored backup for instance.
//!
//! Open connections would keep writing the old file, which nobody will ever see again.

use super::{Sqlite, connect, connect::Place};
use mcp_common::datasource::SourceError;
use sqlx::SqlitePool;
use std::{
    io::{Error, ErrorKind},
    sync::atomic::Ordering,
    time::SystemTime,
};

/// Which file stands under the path: device, inode, and birth time since inodes are used again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Identity {
    #[cfg(unix)]
    inode: (u64, u64),
    born: Option<SystemTime>,
}

impl Place {
    pub(super) fn identity(&self) -> Result<Identity, SourceError> {
        let read = std::fs::metadata(&self.path).map(|metadata| Identity {
            #[cfg(unix)]
            inode: {
                use std::os::unix::fs::MetadataExt;
                (metadata.dev(), metadata.ino())
            },
            born: metadata.created().ok(),
        });
        read.map_err(|error| self.gone(&error))
    }

    fn gone(&self, error: &Error) -> SourceError {
        let file = self.path.display();
        // Not made anew: an empty store would take every definition away from the clients.
        SourceError::Unavailable(match error.kind() {
            ErrorKind::NotFound => {
                format!("`{file}` is gone; put it back, or restart to begin with an empty one")
            }
            _ => format!("`{file}` cannot be looked at: {error}"),
        })
    }
}

/// Connections and the file that they have open.
pub(super) struct Opened {
    pub(super) pool: SqlitePool,
    pub(super) identity: Identity,
}

impl Sqlite {
    /// Connections to the file that stands under the path now.
    pub(super) async fn pool(&self) -> Result<SqlitePool, SourceError> {
        let mut opened = self.opened.lock().await;
        let identity = self.place.identity()?;
        if opened.identity != identity {
            tracing::warn!(file = %self.place.path.display(), "the database file was replaced, opening the new one");
            let reopened = connect::open(&self.place, self.migrations, self.history).await;
            let pool = reopened.map_err(|error| SourceError::Unavailable(error.to_string()))?;
            // Its revisions are not those that consumers know.
            self.must_load.store(true, Ordering::Release);
            let old = std::mem::replace(&mut *opened, Opened { pool, identity });
            tokio::spawn(async move { old.pool.close().await });
        }
        Ok(opened.pool.clone())
    }
}
