//! The import, for the document.
#![expect(dead_code, reason = "described here, served by the handlers of `admin`")]

use super::{
    plans::{InstanceNotice, PlanFinding},
    refusal::{Always, Writing},
};
use crate::http::admin::envelope::Success;
use utoipa::ToSchema;

/// What an import came to: ids of tools, and what could not be done.
#[derive(ToSchema)]
pub(super) struct ImportReport {
    /// The instance that has the tools.
    instance: String,
    /// New tools.
    created: Vec<String>,
    /// Tools whose operation changed.
    changed: Vec<String>,
    /// Tools that are as they were.
    unchanged: Vec<String>,
    /// Tools that `prune` deletes.
    removed: Vec<String>,
    /// Tools whose operation is gone.
    disappeared: Vec<String>,
    /// Operations without a tool.
    skipped: Vec<SkippedOperation>,
    /// Definitions that are left as they are stored.
    conflicts: Vec<ImportConflict>,
    /// What somebody should look at.
    notes: Vec<String>,
    /// What is odd about a definition without being wrong.
    warnings: Vec<PlanFinding>,
    /// What clients will notice, by instance.
    clients: Vec<InstanceNotice>,
    /// Something that works for a client today will not.
    breaking: bool,
}

/// An operation without a tool.
#[derive(ToSchema)]
pub(super) struct SkippedOperation {
    /// `GET /pets`.
    operation: String,
    /// The reason.
    reason: String,
}

/// A definition that was edited by hand where the description changed too.
#[derive(ToSchema)]
pub(super) struct ImportConflict {
    /// The id of the definition.
    id: String,
    /// `GET /pets`.
    operation: String,
    /// What is in the way.
    reason: String,
}

/// Makes the operations of a description the tools of an instance; importing again updates them.
///
/// The body is the document (OpenAPI and Swagger: JSON or YAML; at most 32 MiB), or without `instance` in the query
/// an object with `document` and the options. Nothing is fetched from anywhere.
#[utoipa::path(
    post, path = "/admin/import/{format}", tag = "tools",
    params(
        ("format" = String, Path, description = "`openapi`, `curl`, `postman` or `har`", example = "openapi"),
        ("instance" = Option<String>, Query, description = "The instance that gets the tools; made if it is not there"),
        ("dry_run" = Option<bool>, Query, description = "Report, write nothing"),
        ("prune" = Option<bool>, Query, description = "Delete tools whose operation is gone"),
        ("include" = Option<Vec<String>>, Query, description = "Only these: `tag:NAME`, `path:/x/*`, an operation id; repeatable"),
        ("exclude" = Option<Vec<String>>, Query, description = "Not these; repeatable"),
        ("rename" = Option<Vec<String>>, Query, description = "`PATTERN=NAME`; repeatable"),
        ("base_url" = Option<String>, Query, description = "Where the API is, instead of what the document says"),
        ("auth" = Option<String>, Query, description = "The credential of every tool: `bearer:${env:NAME}`, `basic:USER:${env:NAME}`, `header:NAME:${env:NAME}`, `query:…`, `cookie:…`, `passthrough:HEADER`, `none`"),
        ("header" = Option<Vec<String>>, Query, description = "`Name: value`, a header of every call; repeatable"),
        ("source" = Option<String>, Query, description = "What the document is known by; its title without it"),
    ),
    request_body(content = String, content_type = "text/plain", description = "The document"),
    responses(
        (status = 200, description = "What was done", body = Success<ImportReport>),
        Always, Writing
    )
)]
pub(super) fn import() {}
