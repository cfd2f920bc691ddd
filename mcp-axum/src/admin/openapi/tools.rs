//! The operations on tool definitions, for the document. The handlers serve both collections, the document names each.
#![expect(dead_code, reason = "described here, served by the handlers of `admin`")]

use super::{
    documents::ToolDocument,
    refusal::{Always, Reading, Verifying, Writing},
};
use crate::admin::{
    envelope::Success,
    history::{
        PastState,
        diff::{Diff, DiffQuery},
    },
    page::{LimitQuery, ListQuery},
    put::PutQuery,
    rollback::Rollback,
};

/// Lists tool definitions in the order of their ids.
#[utoipa::path(
    get, path = "/admin/tds", tag = "tools", params(ListQuery),
    responses((status = 200, description = "One page", body = Success<Vec<ToolDocument>>), Always)
)]
pub(super) fn list_tools() {}

/// Reads one tool definition.
#[utoipa::path(
    get, path = "/admin/tds/{id}", tag = "tools", params(("id" = String, Path, description = "Percent-encoded")),
    responses(
        (status = 200, description = "As this replica serves it", body = Success<ToolDocument>, headers(("ETag" = String))),
        Always, Reading
    )
)]
pub(super) fn get_tool() {}

/// Creates or replaces one tool definition.
#[utoipa::path(
    put, path = "/admin/tds/{id}", tag = "tools",
    params(
        ("id" = String, Path, description = "Percent-encoded; wins over the document's own"),
        PutQuery,
        ("If-Match" = Option<String>, Header, description = "Only replace this revision, such as `\"7\"`"),
        ("If-None-Match" = Option<String>, Header, description = "`*`: only create"),
    ),
    request_body = ToolDocument,
    responses(
        (status = 200, description = "Stored", body = Success<ToolDocument>, headers(("ETag" = String))),
        Always, Writing, Verifying
    )
)]
pub(super) fn put_tool() {}

/// Deletes one tool definition; what is not there is no error.
#[utoipa::path(
    delete, path = "/admin/tds/{id}", tag = "tools",
    params(
        ("id" = String, Path, description = "Percent-encoded"),
        ("If-Match" = Option<String>, Header, description = "Only delete this revision, such as `\"7\"`"),
    ),
    responses(
        (status = 200, description = "Whether something was deleted", body = Success<String>,
         example = json!({"code": 200, "message": "success", "data": "TDS `x` delete result: true", "revision": 8})),
        Always, Writing
    )
)]
pub(super) fn delete_tool() {}

/// The past states of one tool definition, newest first.
#[utoipa::path(
    get, path = "/admin/tds/{id}/history", tag = "tools",
    params(("id" = String, Path, description = "Percent-encoded"), LimitQuery),
    responses(
        (status = 200, description = "From the data source", body = Success<Vec<PastState>>),
        Always, Reading
    )
)]
pub(super) fn tool_history() {}

/// One past state of one tool definition.
#[utoipa::path(
    get, path = "/admin/tds/{id}/history/{revision}", tag = "tools",
    params(("id" = String, Path, description = "Percent-encoded"), ("revision" = u64, Path, description = "As `history` lists it")),
    responses(
        (status = 200, description = "From the data source", body = Success<PastState>, headers(("ETag" = String))),
        Always, Reading
    )
)]
pub(super) fn tool_revision() {}

/// What differs between a past state of one tool definition and another one, member by member.
#[utoipa::path(
    get, path = "/admin/tds/{id}/history/{revision}/diff", tag = "tools",
    params(
        ("id" = String, Path, description = "Percent-encoded"),
        ("revision" = u64, Path, description = "As `history` lists it"),
        DiffQuery,
    ),
    responses((status = 200, description = "From the data source", body = Success<Diff>), Always, Reading)
)]
pub(super) fn tool_diff() {}

/// Stores what an earlier revision stored, as a new revision. Checked like any other write.
#[utoipa::path(
    post, path = "/admin/tds/{id}/rollback", tag = "tools",
    params(
        ("id" = String, Path, description = "Percent-encoded"),
        PutQuery,
        ("If-Match" = Option<String>, Header, description = "Only replace this revision, such as `\"7\"`"),
        ("If-None-Match" = Option<String>, Header, description = "`*`: only bring a deleted one back"),
    ),
    request_body = Rollback,
    responses(
        (status = 200, description = "Stored", body = Success<ToolDocument>, headers(("ETag" = String))),
        Always, Reading, Writing
    )
)]
pub(super) fn tool_rollback() {}
