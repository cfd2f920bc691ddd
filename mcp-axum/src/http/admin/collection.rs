//! `GET /admin/{kind}`: the definitions of one kind.

use super::{
    entry::shown,
    envelope::Success,
    page::{self, ListQuery, Page},
    parameters::Parameters,
};
use crate::{app::App, http::error::Result};
use axum::{Extension, extract::State};
use mcp_common::{
    catalog::StoredEntry,
    document::Document,
    key::{Key, Kind},
};
use std::sync::Arc;

/// One page, in the order of ids, all of it from one snapshot.
pub(super) async fn list(
    State(app): State<Arc<App>>,
    Extension(kind): Extension<Kind>,
    Parameters(query): Parameters<ListQuery>,
) -> Result<Success<Vec<Document>>> {
    let Page {
        limit,
        after,
        search,
        tag,
    } = query.page(kind)?;
    let snapshot = app.catalog.snapshot();
    let entries = snapshot
        .ids(kind, after.as_deref())
        .filter_map(|id| snapshot.find(&Key { kind, id }))
        .filter(|entry| search.as_deref().is_none_or(|text| entry.matches(text)))
        .filter(|entry| tag.as_deref().is_none_or(|tag| entry.is_tagged(tag)));
    // One more than asked for says whether the list goes on.
    let mut entries: Vec<StoredEntry> = entries.take(limit + 1).collect();
    let goes_on = entries.len() > limit;
    entries.truncate(limit);
    let next = entries
        .last()
        .filter(|_| goes_on)
        .map(|last| page::encode(kind, &last.id));
    let warnings = entries.iter().flat_map(|entry| {
        entry
            .warnings
            .iter()
            .map(move |warning| format!("{kind} `{}`: {warning}", entry.id))
    });
    let warnings = warnings.collect();
    let documents = entries.iter().map(|entry| shown(kind, entry)).collect();
    Ok(Success::new(documents)
        .revision(Some(snapshot.revision))
        .warnings(warnings)
        .next_cursor(next))
}
