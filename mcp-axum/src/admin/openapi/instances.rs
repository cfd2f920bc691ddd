//! The operations on instances, for the document. The handlers serve both collections, the document names each.
#![expect(dead_code, reason = "described here, served by the handlers of `admin`")]

use super::{
    documents::InstanceDocument,
    refusal::{Always, Reading, Writing},
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

/// Lists instances in the order of their ids.
#[utoipa::path(
    get, path = "/admin/ids", tag = "instances", params(ListQuery),
    responses((status = 200, description = "One page", body = Success<Vec<InstanceDocument>>), Always)
)]
pub(super) fn list_instances() {}

/// Reads one instance.
#[utoipa::path(
    get, path = "/admin/ids/{id}", tag = "instances", params(("id" = String, Path, description = "Percent-encoded")),
    responses(
        (status = 200, description = "As this replica serves it", body = Success<InstanceDocument>, headers(("ETag" = String))),
        Always, Reading
    )
)]
pub(super) fn get_instance() {}

/// Creates or replaces one instance.
#[utoipa::path(
    put, path = "/admin/ids/{id}", tag = "instances",
    params(
        ("id" = String, Path, description = "Percent-encoded; wins over the document's own"),
        PutQuery,
        ("If-Match" = Option<String>, Header, description = "Only replace this revision, such as `\"7\"`"),
        ("If-None-Match" = Option<String>, Header, description = "`*`: only create"),
    ),
    request_body = InstanceDocument,
    responses(
        (status = 200, description = "Stored", body = Success<InstanceDocument>, headers(("ETag" = String))),
        Always, Writing
    )
)]
pub(super) fn put_instance() {}

/// Deletes one instance; what is not there is no error.
#[utoipa::path(
    delete, path = "/admin/ids/{id}", tag = "instances",
    params(
        ("id" = String, Path, description = "Percent-encoded"),
        ("If-Match" = Option<String>, Header, description = "Only delete this revision, such as `\"7\"`"),
    ),
    responses(
        (status = 200, description = "Whether something was deleted", body = Success<String>,
         example = json!({"code": 200, "message": "success", "data": "IDS `x` delete result: true", "revision": 8})),
        Always, Writing
    )
)]
pub(super) fn delete_instance() {}

/// The past states of one instance, newest first.
#[utoipa::path(
    get, path = "/admin/ids/{id}/history", tag = "instances",
    params(("id" = String, Path, description = "Percent-encoded"), LimitQuery),
    responses(
        (status = 200, description = "From the data source", body = Success<Vec<PastState>>),
        Always, Reading
    )
)]
pub(super) fn instance_history() {}

/// One past state of one instance.
#[utoipa::path(
    get, path = "/admin/ids/{id}/history/{revision}", tag = "instances",
    params(("id" = String, Path, description = "Percent-encoded"), ("revision" = u64, Path, description = "As `history` lists it")),
    responses(
        (status = 200, description = "From the data source", body = Success<PastState>, headers(("ETag" = String))),
        Always, Reading
    )
)]
pub(super) fn instance_revision() {}

/// What differs between a past state of one instance and another one, member by member.
#[utoipa::path(
    get, path = "/admin/ids/{id}/history/{revision}/diff", tag = "instances",
    params(
        ("id" = String, Path, description = "Percent-encoded"),
        ("revision" = u64, Path, description = "As `history` lists it"),
        DiffQuery,
    ),
    responses((status = 200, description = "From the data source", body = Success<Diff>), Always, Reading)
)]
pub(super) fn instance_diff() {}

/// Stores what an earlier revision stored, as a new revision. Checked like any other write.
#[utoipa::path(
    post, path = "/admin/ids/{id}/rollback", tag = "instances",
    params(
        ("id" = String, Path, description = "Percent-encoded"),
        PutQuery,
        ("If-Match" = Option<String>, Header, description = "Only replace this revision, such as `\"7\"`"),
        ("If-None-Match" = Option<String>, Header, description = "`*`: only bring a deleted one back"),
    ),
    request_body = Rollback,
    responses(
        (status = 200, description = "Stored", body = Success<InstanceDocument>, headers(("ETag" = String))),
        Always, Reading, Writing
    )
)]
pub(super) fn instance_rollback() {}
