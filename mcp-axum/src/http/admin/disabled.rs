//! How many definitions are stored and switched off.

use mcp_common::{datasource::DataSource, key::Revision};
use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

/// Longest wait for the data source.
const PATIENCE: Duration = Duration::from_millis(500);

/// The last answer. Switching a definition on or off is a change with a revision, so a data source is asked once for
/// each revision: it may have to look at every row.
#[derive(Debug, Default)]
pub(super) struct Disabled(Mutex<Option<(Revision, u64)>>);

impl Disabled {
    /// The number at this revision, or the last one known where the data source is not asked or does not answer.
    pub(super) async fn at(
        &self,
        revision: Revision,
        source: &dyn DataSource,
        is_there: bool,
    ) -> Option<u64> {
        let known = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.is_some_and(|(at, _)| at == revision) || !is_there {
            return known.map(|(_, number)| number);
        }
        match tokio::time::timeout(PATIENCE, source.disabled()).await {
            Ok(Ok(number)) => {
                *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((revision, number));
                Some(number)
            }
            _ => known.map(|(_, number)| number),
        }
    }
}
