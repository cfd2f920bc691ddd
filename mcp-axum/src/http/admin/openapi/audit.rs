//! The audit log, for the document.

use super::refusal::{Always, Failure};
use crate::http::admin::{audit::AuditQuery, envelope::Success};
use utoipa::ToSchema;

/// A record: of a call, a change or a refusal, or of the log itself (`event`). What is not known is not there.
#[derive(ToSchema)]
#[expect(dead_code, reason = "described here, read from files")]
pub(super) struct AuditRecord {
    /// Its number in the chain of this replica.
    #[schema(example = 4711)]
    seq: u64,
    /// When it began, RFC 3339.
    #[schema(format = DateTime)]
    at: String,
    /// What happened to the log: `start`, `stop`, `gap`, `refusals`, `removed`.
    #[schema(required = false, nullable = false)]
    event: Option<String>,
    /// Who it was.
    #[schema(required = false, nullable = false, example = "claude-support")]
    principal: Option<String>,
    /// The id of the key that was shown.
    #[schema(required = false, nullable = false, example = "k3f09c71be24")]
    key_id: Option<String>,
    /// What was asked for: a method, `admin/tds/write` and the like, or `enter` where nobody was let in.
    #[schema(required = false, nullable = false, example = "tools/call")]
    action: Option<String>,
    /// In which instance.
    #[schema(required = false, nullable = false, example = "support")]
    instance: Option<String>,
    /// The tool that was called.
    #[schema(required = false, nullable = false, example = "refund_order")]
    tool: Option<String>,
    /// What else it is about: a URI, the name of a prompt, a path below `/admin`.
    #[schema(required = false, nullable = false, example = "/tds/refund_order")]
    target: Option<String>,
    /// `allow` or `refuse`.
    #[schema(required = false, nullable = false, example = "allow")]
    decision: Option<String>,
    /// How it ended.
    #[schema(required = false, nullable = false, example = "ok")]
    outcome: Option<String>,
    /// The hash of the record before.
    prev: String,
    /// Its own hash: SHA-256 of the line before `,"hash":`.
    hash: String,
}

/// The records of this replica's audit log, the latest first.
#[utoipa::path(
    get, path = "/admin/audit", tag = "operation", params(AuditQuery),
    responses(
        (status = 200, description = "Records as they stand in the files", body = Success<Vec<AuditRecord>>),
        (status = 400, description = "What is wrong with the query", body = Failure),
        (status = 404, description = "There is no audit log (`audit.enabled`)", body = Failure),
        Always
    )
)]
#[expect(dead_code, reason = "described here, served by the handlers of `admin`")]
pub(super) fn audit() {}
