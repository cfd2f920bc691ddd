//! What can be done about accounts of callers, for the document.
#![expect(dead_code, reason = "described here, served by the handlers of `admin`")]

use super::refusal::{Always, Failure};
use crate::http::admin::{
    envelope::Success,
    grants::{ConnectedAccount, DisconnectedAccount},
};

/// The accounts that callers have connected to upstreams (`auth.type: oauth2_user`), on this replica. No token is shown.
#[utoipa::path(
    get, path = "/admin/grants", tag = "upstreams",
    responses((status = 200, description = "By upstream", body = Success<Vec<ConnectedAccount>>), Always)
)]
pub(super) fn grants() {}

/// Takes an account away that a caller has connected, and has its authorization server revoke it where it can (RFC 7009).
#[utoipa::path(
    delete, path = "/admin/grants/{id}", tag = "upstreams", params(("id" = String, Path, description = "As the list has it")),
    responses(
        (status = 200, description = "It is not used any more; `warnings` say if its authorization server was not told", body = Success<DisconnectedAccount>),
        (status = 404, description = "There is no such account on this replica", body = Failure),
        Always
    )
)]
pub(super) fn delete_grant() {}
