//! The past states of one definition, from `…/history` below its address.

use super::{endpoint::Endpoint, trouble};
use bytes::Bytes;
use http::{Method, StatusCode};
use mcp_common::{
    datasource::{HistoryEntry, SourceError},
    key::{Key, Revision},
};
use serde::Deserialize;
use std::time::{Duration, SystemTime};

#[derive(Deserialize)]
struct History {
    history: Vec<State>,
}

#[derive(Deserialize)]
struct State {
    revision: Revision,
    /// Seconds since 1970.
    at: Option<u64>,
    principal: Option<String>,
    /// A text; null where the definition was deleted.
    document: Option<String>,
}

/// A service that keeps no history answers 404.
pub(super) async fn history(
    endpoint: &Endpoint,
    key: &Key,
    limit: usize,
) -> Result<Vec<HistoryEntry>, SourceError> {
    let request = endpoint.about(Method::GET, key, &format!("/history?limit={limit}"));
    let answer = endpoint.ask(request, Bytes::new()).await?;
    match answer.status {
        StatusCode::OK => {}
        StatusCode::NOT_FOUND => return Ok(Vec::new()),
        status => return Err(trouble::status(endpoint, status)),
    }
    let past: History = serde_json::from_slice(&answer.body)
        .map_err(|error| endpoint.odd(&format!("answered with something that is no history: {error}")))?;
    let entries = past.history.into_iter().take(limit);
    Ok(entries.map(HistoryEntry::from).collect())
}

impl From<State> for HistoryEntry {
    fn from(state: State) -> Self {
        let at = |seconds| SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds));
        Self {
            revision: state.revision,
            at: state.at.and_then(at),
            principal: state.principal,
            body: state.document.map(Bytes::from),
        }
    }
}
