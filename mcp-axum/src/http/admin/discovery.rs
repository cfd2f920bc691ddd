//! `GET /admin/discovery`: what the sources of `[[discovery]]` have found, and how they are doing.

use super::envelope::Success;
use crate::{app::App, timestamp::rfc3339};
use axum::extract::State;
use mcp_common::discovery::{FoundUpstream, SourceReport};
use serde::Serialize;
use serde_json::value::RawValue;
use std::sync::Arc;
use utoipa::ToSchema;

/// One source.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct DiscoveryState {
    /// Its name; the `origin` of what it finds.
    #[schema(value_type = String, example = "lab")]
    name: Arc<str>,
    /// Its type.
    #[serde(rename = "type")]
    #[schema(example = "file_watch")]
    kind: String,
    /// Why it saw nothing the last time, or refused what it saw; what it found before stays. Absent while nothing is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
    /// When it saw something last, as RFC 3339; absent before the first time.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    seen_at: Option<String>,
    /// How often it looked.
    looks: u64,
    /// How often it saw nothing, or refused what it saw.
    failures: u64,
    /// What it has found, by id.
    upstreams: Vec<Discovered>,
    /// Entries that cannot be used; what was good of them before stays.
    skipped: Vec<SkippedEntry>,
    /// What else somebody should know of the last set.
    notes: Vec<String>,
}

/// An upstream that was found.
#[derive(Debug, Serialize, ToSchema)]
struct Discovered {
    /// Its id.
    #[schema(value_type = String, example = "weather")]
    id: Arc<str>,
    /// When it was found, as RFC 3339.
    #[schema(format = DateTime)]
    since: String,
    /// Who has the id, so that this is not used; absent where it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "a stored document")]
    hidden_by: Option<String>,
    /// The document that it stands for.
    #[schema(value_type = Object)]
    document: Option<Box<RawValue>>,
}

/// An entry that cannot be used.
#[derive(Debug, Serialize, ToSchema)]
struct SkippedEntry {
    /// Its id, its name, or its place.
    entry: String,
    /// Why.
    reason: String,
}

/// All of them, in the order of the configuration.
pub(super) async fn list(State(app): State<Arc<App>>) -> Success<Vec<DiscoveryState>> {
    let reports = app.discoveries.board.reports();
    Success::new(reports.into_iter().map(DiscoveryState::from).collect())
}

impl From<SourceReport> for DiscoveryState {
    fn from(report: SourceReport) -> Self {
        let skipped = report.skipped.into_iter();
        Self {
            name: report.name,
            kind: report.kind,
            problem: report.problem,
            seen_at: report.seen_at.map(rfc3339),
            looks: report.looks,
            failures: report.failures,
            upstreams: report.upstreams.into_iter().map(Discovered::from).collect(),
            skipped: skipped
                .map(|(entry, reason)| SkippedEntry { entry, reason })
                .collect(),
            notes: report.notes,
        }
    }
}

impl From<FoundUpstream> for Discovered {
    fn from(found: FoundUpstream) -> Self {
        Self {
            id: found.id,
            since: rfc3339(found.since),
            hidden_by: found.hidden_by,
            document: RawValue::from_string(found.document.to_json()).ok(),
        }
    }
}
