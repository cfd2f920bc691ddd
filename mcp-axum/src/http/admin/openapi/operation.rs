//! The operations on the gateway itself, for the document.
#![expect(dead_code, reason = "described here, served by the handlers of `admin`")]

use super::refusal::Always;
use crate::{
    http::admin::{
        envelope::Success,
        quarantine::Finding,
        schema::SchemaQuery,
        status::{Status, StatusQuery},
    },
    reload::Report,
};

/// Definitions that are stored but cannot be used; their last good version stays live.
#[utoipa::path(
    get, path = "/admin/quarantine", tag = "operation",
    responses((status = 200, description = "By kind and id", body = Success<Vec<Finding>>), Always)
)]
pub(super) fn quarantine() {}

/// How this replica is doing.
#[utoipa::path(
    get, path = "/admin/status", tag = "operation", params(StatusQuery),
    responses((status = 200, description = "From memory", body = Success<Status>), Always)
)]
pub(super) fn status() {}

/// How the configuration's file is doing: what is wrong with it, and what of it waits for a restart.
#[utoipa::path(
    get, path = "/admin/config/status", tag = "operation",
    responses((status = 200, description = "As this replica sees it", body = Success<Report>), Always)
)]
pub(super) fn config_status() {}

/// The JSON Schema of the documents, for editors. Needs no key.
#[utoipa::path(
    get, path = "/admin/schema/{file}", tag = "operation", security(()),
    params(
        ("file" = String, Path, description = "`tds.json` for tools, `ids.json` for instances, so for every kind; `file.json` for files of definitions"),
        SchemaQuery
    ),
    responses(
        (status = 200, description = "JSON Schema 2020-12", content_type = "application/schema+json", body = serde_json::Value),
        (status = 404, description = "There is no such schema; the text names those that there are", body = super::refusal::Failure)
    )
)]
pub(super) fn schema() {}
