//! The operations on a collection, described once. `KIND`, `PLURAL`, `NOUN` and `NAME` stand for the words of a kind; the
//! document has all of it for each kind.
#![expect(dead_code, reason = "described here, served by the handlers of `admin`")]

use super::{
    documents::KindDocument,
    refusal::{Always, Reading, Verifying, Writing},
};
use crate::http::admin::{
    delete::DeleteQuery,
    envelope::Success,
    history::{
        PastState,
        diff::{Diff, DiffQuery},
    },
    page::{LimitQuery, ListQuery},
    put::PutQuery,
    rollback::Rollback,
};

/// Lists PLURAL in the order of their ids.
#[utoipa::path(
    get, path = "/admin/KIND", tag = "PLURAL", operation_id = "list_PLURAL", params(ListQuery),
    responses((status = 200, description = "One page", body = Success<Vec<KindDocument>>), Always)
)]
pub(super) fn list() {}

/// Reads one NOUN.
#[utoipa::path(
    get, path = "/admin/KIND/{id}", tag = "PLURAL", operation_id = "get_NOUN", params(("id" = String, Path, description = "Percent-encoded")),
    responses(
        (status = 200, description = "As this replica serves it", body = Success<KindDocument>, headers(("ETag" = String))),
        Always, Reading
    )
)]
pub(super) fn get() {}

/// Creates or replaces one NOUN.
#[utoipa::path(
    put, path = "/admin/KIND/{id}", tag = "PLURAL", operation_id = "put_NOUN",
    params(
        ("id" = String, Path, description = "Percent-encoded; wins over the document's own"),
        PutQuery,
        ("If-Match" = Option<String>, Header, description = "Only replace this revision, such as `\"7\"`"),
        ("If-None-Match" = Option<String>, Header, description = "`*`: only create"),
    ),
    request_body = KindDocument,
    responses(
        (status = 200, description = "Stored", body = Success<KindDocument>, headers(("ETag" = String))),
        Always, Writing, Verifying
    )
)]
pub(super) fn put() {}

/// Deletes one NOUN; what is not there is no error.
#[utoipa::path(
    delete, path = "/admin/KIND/{id}", tag = "PLURAL", operation_id = "delete_NOUN",
    params(
        ("id" = String, Path, description = "Percent-encoded"),
        DeleteQuery,
        ("If-Match" = Option<String>, Header, description = "Only delete this revision, such as `\"7\"`"),
    ),
    responses(
        (status = 200, description = "Whether something was deleted", body = Success<String>,
         example = json!({"code": 200, "message": "success", "data": "NAME `x` delete result: true", "revision": 8})),
        Always, Writing
    )
)]
pub(super) fn delete() {}

/// The past states of one NOUN, newest first.
#[utoipa::path(
    get, path = "/admin/KIND/{id}/history", tag = "PLURAL", operation_id = "NOUN_history",
    params(("id" = String, Path, description = "Percent-encoded"), LimitQuery),
    responses(
        (status = 200, description = "From the data source", body = Success<Vec<PastState>>),
        Always, Reading
    )
)]
pub(super) fn history() {}

/// One past state of one NOUN.
#[utoipa::path(
    get, path = "/admin/KIND/{id}/history/{revision}", tag = "PLURAL", operation_id = "NOUN_revision",
    params(("id" = String, Path, description = "Percent-encoded"), ("revision" = u64, Path, description = "As `history` lists it")),
    responses(
        (status = 200, description = "From the data source", body = Success<PastState>, headers(("ETag" = String))),
        Always, Reading
    )
)]
pub(super) fn revision() {}

/// What differs between a past state of one NOUN and another one, member by member.
#[utoipa::path(
    get, path = "/admin/KIND/{id}/history/{revision}/diff", tag = "PLURAL", operation_id = "NOUN_diff",
    params(
        ("id" = String, Path, description = "Percent-encoded"),
        ("revision" = u64, Path, description = "As `history` lists it"),
        DiffQuery,
    ),
    responses((status = 200, description = "From the data source", body = Success<Diff>), Always, Reading)
)]
pub(super) fn diff() {}

/// Stores what an earlier revision stored, as a new revision. Checked like any other write.
#[utoipa::path(
    post, path = "/admin/KIND/{id}/rollback", tag = "PLURAL", operation_id = "NOUN_rollback",
    params(
        ("id" = String, Path, description = "Percent-encoded"),
        PutQuery,
        ("If-Match" = Option<String>, Header, description = "Only replace this revision, such as `\"7\"`"),
        ("If-None-Match" = Option<String>, Header, description = "`*`: only bring a deleted one back"),
    ),
    request_body = Rollback,
    responses(
        (status = 200, description = "Stored", body = Success<KindDocument>, headers(("ETag" = String))),
        Always, Reading, Writing
    )
)]
pub(super) fn rollback() {}
