//! What clients are told, for the document.
#![expect(dead_code, reason = "described here, served by the handlers of `admin`")]

use super::refusal::{Always, Failure};
use crate::http::admin::{
    clients::{ClientEntry, ClientsQuery},
    envelope::Success,
};

/// What each MCP client wants to be told of an instance, in its own spelling.
#[utoipa::path(
    get, path = "/admin/ids/{id}/clients", tag = "instances", params(("id" = String, Path, description = "The instance's id"), ClientsQuery),
    responses(
        (status = 200, description = "By client", body = Success<Vec<ClientEntry>>),
        (status = 400, description = "The URL is none", body = Failure),
        (status = 404, description = "There is no such instance", body = Failure),
        Always
    )
)]
pub(super) fn instance_clients() {}
