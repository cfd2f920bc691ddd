//! The last part of a write: from the store into the catalog that requests are served from.

use crate::{
    app::App,
    http::error::{Error, Result},
};
use mcp_common::key::Revision;
use std::time::Duration;
use tokio::sync::MutexGuard;

/// How long a write waits for this replica to serve it.
const PATIENCE: Duration = Duration::from_secs(5);
/// How much of that the next write waits along; longer would make a store that is away hold up everybody in turn.
const EXCLUSIVE: Duration = Duration::from_secs(1);

/// Waits until this replica serves the revision; a warning if that takes too long. `turn` is the writer's
/// (`Admin::writes`): the next one has it when this one has arrived.
pub(super) async fn arrival(app: &App, revision: Revision, turn: MutexGuard<'_, ()>) -> Option<String> {
    if app.catalog.wait_for(revision, EXCLUSIVE).await {
        return None;
    }
    drop(turn);
    if app.catalog.wait_for(revision, PATIENCE - EXCLUSIVE).await {
        return None;
    }
    // The write is safe in the store; that is all that can be said.
    let seconds = PATIENCE.as_secs();
    Some(format!(
        "revision {revision} is stored, but did not reach this replica within {seconds} s; see /admin/status"
    ))
}

/// Waits until this replica's catalog has what was just read from the store, so that both can be compared.
pub(super) async fn arrived(app: &App, revision: Revision) -> Result<()> {
    if app.catalog.wait_for(revision, PATIENCE).await {
        return Ok(());
    }
    let text = format!(
        "revision {revision} of the data source has not reached this replica yet; try again, and see /admin/status"
    );
    Err(Error::unavailable(text))
}
