//! The operations on the gateway itself, for the document.
#![expect(dead_code, reason = "described here, served by the handlers of `admin`")]

use super::refusal::Always;
use crate::admin::{
    envelope::Success,
    quarantine::Finding,
    status::{Status, StatusQuery},
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
