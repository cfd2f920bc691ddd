//! `/admin/grants`: the accounts that callers have connected to upstreams which are used with them. Nothing here could be used in anybody's name.

use super::{envelope::Success, upstream_login::not_told};
use crate::{
    app::App,
    http::error::{Error, Result},
    timestamp::rfc3339,
};
use axum::extract::{Path, State};
use mcp_common::authenticator::key_of;
use mcp_core::oauth::GrantState;
use serde::Serialize;
use std::sync::Arc;
use utoipa::ToSchema;

/// An account that a caller has connected, as this replica sees it.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ConnectedAccount {
    /// By which it is taken away.
    #[schema(example = "9f86d081884c7d659a2feaa0")]
    id: String,
    /// The upstream.
    #[schema(value_type = String, example = "tickets")]
    upstream: Arc<str>,
    /// Whose it is, by the name that logs have.
    #[schema(value_type = String, example = "acme:anna")]
    principal: Arc<str>,
    /// The id of the key of the store that it belongs to; absent where the caller came in otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, nullable = false)]
    key: Option<String>,
    /// When it was connected, as RFC 3339.
    #[schema(format = DateTime)]
    connected_at: String,
    /// The authorization server that the token is of.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, nullable = false, example = "https://login.example")]
    issuer: Option<String>,
    /// The scopes that were asked for last.
    scopes: Vec<String>,
    /// Whether the caller has to connect it anew, since it is over or does not do for a call.
    login_needed: bool,
    /// The seconds for which the token is good; absent without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, nullable = false)]
    expires_in: Option<u64>,
}

/// What became of an account that was taken away.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct DisconnectedAccount {
    /// The id.
    id: String,
    /// Whether its authorization server has revoked it; `false` where it has no endpoint for that, and where `warnings` say that it was not told.
    revoked: bool,
}

impl From<GrantState> for ConnectedAccount {
    fn from(grant: GrantState) -> Self {
        Self {
            id: grant.id,
            upstream: grant.upstream,
            principal: grant.name,
            key: key_of(&grant.owner).map(str::to_owned),
            connected_at: rfc3339(grant.since),
            issuer: grant.login.issuer,
            scopes: grant.login.scopes,
            login_needed: grant.login.login_needed,
            expires_in: grant.login.expires_in,
        }
    }
}

/// All of them, by upstream and name.
pub(super) async fn list(State(app): State<Arc<App>>) -> Success<Vec<ConnectedAccount>> {
    Success::new(app.hub.grants().into_iter().map(Into::into).collect())
}

/// Takes one away.
pub(super) async fn remove(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
) -> Result<Success<DisconnectedAccount>> {
    let given_back = app.hub.give_back(&id).await.ok_or_else(|| {
        Error::not_found(
            "there is no such account on this replica: `GET /admin/grants` lists those that there are",
        )
    })?;
    let revoked = given_back.revoked;
    tracing::info!(grant = &*id, revoked, "an account of a caller was taken away");
    Ok(Success::new(DisconnectedAccount { id, revoked }).warnings(not_told(given_back.problem)))
}
