//! Finds one past state of a definition.

use crate::{
    app::App,
    http::error::{Error, Result},
};
use mcp_common::{
    datasource::HistoryEntry,
    document::Document,
    key::{Key, Kind, Revision},
};

/// More than any source keeps of one key; sources have their own, configured bounds.
const EVERYTHING: usize = 100_000;

/// All states that the data source still has of the key, newest first, never empty.
pub(in crate::http::admin) async fn states(app: &App, key: &Key) -> Result<Vec<HistoryEntry>> {
    let states = app.source.history(key, EVERYTHING).await?;
    if states.is_empty() {
        return Err(never(key));
    }
    Ok(states)
}

/// The state that this revision made.
pub(in crate::http::admin) fn at(
    states: &[HistoryEntry],
    key: &Key,
    revision: Revision,
) -> Result<HistoryEntry> {
    let found = states.iter().find(|state| state.revision == revision);
    found.cloned().ok_or_else(|| {
        let oldest = states.last().map_or(0, |state| state.revision);
        Error::not_found(format!(
            "revision {revision} is none of the kept states of {key} (the oldest is {oldest}); \
             `/admin/{}/{}/history` lists them",
            key.kind.path_segment(),
            key.id
        ))
    })
}

/// The document of a state that has one; otherwise why it has none.
pub(in crate::http::admin) fn document(state: &HistoryEntry) -> Result<Document, String> {
    let revision = state.revision;
    let Some(body) = &state.body else {
        return Err(format!("revision {revision} deleted the definition"));
    };
    Document::parse(body)
        .map_err(|problem| format!("what revision {revision} stored is no document: {problem}"))
}

/// What was stored and is no document; withheld where members of documents are.
pub(super) fn text(kind: Kind, body: &[u8]) -> String {
    match kind.row().private.is_empty() {
        true => String::from_utf8_lossy(body).into_owned(),
        false => "what was stored is no document, and not shown".to_owned(),
    }
}

pub(super) fn never(key: &Key) -> Error {
    Error::not_found(format!("there never was a {key}, or its history is gone"))
}
