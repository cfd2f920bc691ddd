//! `GET /admin/{tds,ids}/{id}/history/{revision}/diff`: what happened between two states.

use super::{PastState, past};
use crate::{
    app::App,
    http::{
        admin::{
            envelope::Success,
            parameters::{Parameters, PastTarget},
        },
        error::{Error, Result},
    },
};
use axum::extract::State;
use mcp_common::{
    datasource::HistoryEntry,
    key::{Kind, Revision},
};
use mcp_core::authoring::compare::{self, Difference};
use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};

/// The query of a diff.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(in crate::http::admin) struct DiffQuery {
    /// The state to compare with: a revision, or `current` for what is stored now.
    #[param(default = "current", example = "current")]
    to: Option<String>,
}

/// Two states and what differs.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::http::admin) struct Diff {
    /// The state of the path, without its document.
    from: PastState,
    /// The state it is compared with, without its document.
    to: PastState,
    /// The changes in the order of the documents; empty if both say the same.
    changes: Vec<Change>,
}

/// What happened at one place.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::http::admin) struct Change {
    /// JSON Pointer (RFC 6901); an empty one is the whole document. It leads into the later document, but for what was
    /// removed into the earlier one.
    #[schema(example = "/tds_ext_info/path")]
    pointer: String,
    /// What happened.
    change: What,
    /// The value before; absent for what was added.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<serde_json::Value>, required = false)]
    from: Option<Box<RawValue>>,
    /// The value after; absent for what was removed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<serde_json::Value>, required = false)]
    to: Option<Box<RawValue>>,
}

/// The three things that can happen.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(in crate::http::admin) enum What {
    /// It was not there before.
    Added,
    /// It is not there any more.
    Removed,
    /// It has another value.
    Changed,
}

impl From<Difference<'_>> for Change {
    fn from(difference: Difference<'_>) -> Self {
        let change = match (difference.from, difference.to) {
            (None, _) => What::Added,
            (_, None) => What::Removed,
            _ => What::Changed,
        };
        Self {
            pointer: difference.pointer,
            change,
            from: difference.from.map(RawValue::to_owned),
            to: difference.to.map(RawValue::to_owned),
        }
    }
}

/// Answers from the data source.
pub(in crate::http::admin) async fn show(
    State(app): State<Arc<App>>,
    PastTarget { key, revision }: PastTarget,
    Parameters(query): Parameters<DiffQuery>,
) -> Result<Success<Diff>> {
    let other = other(query.to.as_deref())?;
    let states = past::states(&app, &key).await?;
    let from = past::at(&states, &key, revision)?;
    let to = match other {
        Some(revision) => past::at(&states, &key, revision)?,
        None => states.into_iter().next().ok_or_else(|| past::never(&key))?,
    };
    let (before, after) = (value(key.kind, &from), value(key.kind, &to));
    let changes = compare::differences(before.as_deref(), after.as_deref());
    let changes = changes.into_iter().map(Change::from).collect();
    let (from, to) = (PastState::head(key.kind, from), PastState::head(key.kind, to));
    Ok(Success::new(Diff { from, to, changes }))
}

fn other(to: Option<&str>) -> Result<Option<Revision>> {
    match to {
        None | Some("current") => Ok(None),
        Some(text) => text
            .parse()
            .map(Some)
            .map_err(|_| Error::bad_request(format!("to: `{text}` is neither a revision nor `current`"))),
    }
}

/// What was stored: a document, or as a text what is none; nothing after a deletion.
fn value(kind: Kind, state: &HistoryEntry) -> Option<Box<RawValue>> {
    let body = state.body.as_ref()?;
    past::document(state)
        .ok()
        .and_then(|document| to_raw_value(&kind.row().shown(&document)).ok())
        .or_else(|| to_raw_value(&past::text(kind, body)).ok())
}
