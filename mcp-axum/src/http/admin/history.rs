//! `GET /admin/{tds,ids}/{id}/history`: the past states of one definition. From the data source, by its port alone.

pub(super) mod diff;
pub(super) mod past;
pub(super) mod revision;

use super::{
    envelope::Success,
    page::LimitQuery,
    parameters::{Parameters, Target},
};
use crate::{app::App, http::error::Result, timestamp::rfc3339};
use axum::extract::State;
use mcp_common::{
    datasource::HistoryEntry,
    document::Document,
    key::{Kind, Revision},
};
use serde::Serialize;
use std::sync::Arc;
use utoipa::ToSchema;

/// One past state.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct PastState {
    /// The revision that made it.
    #[schema(value_type = u64)]
    revision: Revision,
    /// The time when it was made, RFC 3339.
    #[schema(format = DateTime)]
    at: Option<String>,
    /// The one who made it; unknown for a write that did not come through a gateway.
    principal: Option<String>,
    /// Whether this revision deleted the definition.
    deleted: bool,
    /// The document as it was stored; absent for a deletion and for what is not a JSON object.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>, required = false)]
    document: Option<Document>,
    /// What was stored instead of a JSON object.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    text: Option<String>,
}

impl PastState {
    fn of(kind: Kind, entry: HistoryEntry) -> Self {
        let HistoryEntry {
            revision,
            at,
            principal,
            body,
        } = entry;
        let document = body.as_ref().and_then(|body| Document::parse(body).ok());
        let text = body
            .as_ref()
            .filter(|_| document.is_none())
            .map(|body| past::text(kind, body));
        let document = document.map(|document| kind.row().shown(&document));
        Self {
            revision,
            at: at.map(rfc3339),
            principal,
            deleted: body.is_none(),
            document,
            text,
        }
    }

    /// Which state it is, without what was stored.
    fn head(kind: Kind, entry: HistoryEntry) -> Self {
        Self {
            document: None,
            text: None,
            ..Self::of(kind, entry)
        }
    }
}

/// Newest first, from the data source.
pub(super) async fn list(
    State(app): State<Arc<App>>,
    Target(key): Target,
    Parameters(query): Parameters<LimitQuery>,
) -> Result<Success<Vec<PastState>>> {
    let history = app.source.history(&key, query.limit()?).await?;
    if history.is_empty() {
        return Err(past::never(&key));
    }
    let states = history.into_iter().map(|entry| PastState::of(key.kind, entry));
    Ok(Success::new(states.collect()))
}
