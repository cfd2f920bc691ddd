//! Writes the copy when definitions have changed: not at once, and never for long.

use super::Place;
use mcp_common::{
    catalog::{Catalog, Compile, sync::SyncStatus},
    key::Revision,
};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio_util::sync::CancellationToken;

/// Changes often come together.
const QUIET: Duration = Duration::from_secs(1);
/// Before the next attempt after one that failed.
const RETRY: Duration = Duration::from_secs(60);
/// Between two copies, and in this proportion to what one costs.
const PAUSE: Duration = Duration::from_secs(5);
const SHARE: u32 = 20;

/// Runs until the gateway drains, and then writes what is not written yet.
pub(in super::super) async fn keep<C: Compile>(
    place: Place,
    catalog: Arc<Catalog<C>>,
    status: Arc<SyncStatus>,
    draining: CancellationToken,
) {
    let mut revisions = catalog.revisions();
    // One that failed may have left something unwritten.
    revisions.mark_changed();
    let mut keeper = Keeper {
        place,
        catalog,
        status,
        kept: None,
        has_failed: false,
    };
    loop {
        let is_end = tokio::select! {
            changed = revisions.changed() => changed.is_err(),
            () = tokio::time::sleep(RETRY), if keeper.has_failed => false,
            () = draining.cancelled() => true,
        };
        within(QUIET, &draining).await;
        let cost = keeper.write().await;
        if is_end {
            return;
        }
        if let Some(cost) = cost {
            within(PAUSE.max(cost * SHARE), &draining).await;
        }
    }
}

/// Waits, but not beyond the beginning of the end.
async fn within(time: Duration, draining: &CancellationToken) {
    let _ = tokio::time::timeout(time, draining.cancelled()).await;
}

struct Keeper<C: Compile> {
    place: Place,
    catalog: Arc<Catalog<C>>,
    status: Arc<SyncStatus>,
    kept: Option<Revision>,
    /// Said once, until it works again.
    has_failed: bool,
}

impl<C: Compile> Keeper<C> {
    /// How long it took, if there was something to write.
    async fn write(&mut self) -> Option<Duration> {
        let snapshot = self.catalog.snapshot();
        // Until the data source has answered, the copy on disk is at least as good.
        let is_of_the_source = snapshot.is_loaded() && self.status.has_loaded();
        if !is_of_the_source || self.kept == Some(snapshot.revision) {
            return None;
        }
        let (place, revision, start) = (self.place.clone(), snapshot.revision, Instant::now());
        let written = tokio::task::spawn_blocking(move || place.write(&snapshot)).await;
        let written = written.unwrap_or_else(|error| Err(std::io::Error::other(error)));
        match written {
            Ok(()) => {
                self.kept = Some(revision);
                if std::mem::take(&mut self.has_failed) {
                    tracing::info!("the snapshot of the definitions can be written again");
                }
            }
            Err(error) => {
                if !std::mem::replace(&mut self.has_failed, true) {
                    let file = self.place.file.display();
                    tracing::warn!(
                        %error,
                        "the snapshot `{file}` cannot be written; nothing is lost, but a start without the data source \
                         would have none or an older one; free some space there or give this user the right to write, \
                         it is tried again every minute"
                    );
                }
            }
        }
        Some(start.elapsed())
    }
}
