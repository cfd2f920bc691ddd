//! Logins to upstreams: `/admin/uds/{id}/login` begins one, says how it is doing, and forgets it. It ends at `/oauth/callback/{id}`.

use super::{envelope::Success, parameters::Target};
use crate::{
    app::App,
    http::{
        error::{Error, Result},
        login::registrant,
    },
};
use axum::extract::State;
use http::{HeaderMap, StatusCode};
use mcp_common::key::Key;
use mcp_core::{oauth::LoginState, upstream::UpstreamError};
use serde::Serialize;
use std::sync::Arc;
use utoipa::ToSchema;

/// A login that somebody has to go on with.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct LoginBegun {
    /// The address to open in a browser, within ten minutes. It is good for one login.
    #[schema(example = "https://login.example/authorize?response_type=code&…")]
    url: String,
    /// Where the browser comes back to; authorization servers that the client is registered at by hand have to know it.
    #[schema(example = "https://gateway.example.com/oauth/callback/tickets")]
    redirect_uri: String,
}

/// How a login is doing, as this replica sees it.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct UpstreamLogin {
    /// `client_credentials`, which nobody logs in for, `authorization_code`, or `user`: calls are made with accounts of callers, and this one takes
    /// the lists.
    #[schema(example = "authorization_code")]
    grant: &'static str,
    /// Whether there is a token, or what one is got with.
    logged_in: bool,
    /// Whether somebody has to log in, for the first time or again.
    login_needed: bool,
    /// The authorization server that the token is of.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, nullable = false, example = "https://login.example")]
    issuer: Option<String>,
    /// The scopes that were asked for last.
    scopes: Vec<String>,
    /// The seconds for which the token is good; absent without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, nullable = false)]
    expires_in: Option<u64>,
}

impl From<LoginState> for UpstreamLogin {
    fn from(state: LoginState) -> Self {
        Self {
            grant: state.grant,
            logged_in: state.logged_in,
            login_needed: state.login_needed,
            issuer: state.issuer,
            scopes: state.scopes,
            expires_in: state.expires_in,
        }
    }
}

/// Begins a login.
pub(super) async fn begin(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    Target(key): Target,
) -> Result<Success<LoginBegun>> {
    let registrant = registrant(&app, &headers)?;
    let redirect_uri = registrant.of(&key.id).redirect_uri();
    let begun = app.hub.begin_login(&key.id, registrant).await;
    let url = begun
        .ok_or_else(|| missing(&app, &key))?
        .map_err(|error| failed(&key, &error))?;
    Ok(Success::new(LoginBegun { url, redirect_uri }))
}

/// How it is doing.
pub(super) async fn show(State(app): State<Arc<App>>, Target(key): Target) -> Result<Success<UpstreamLogin>> {
    let state = app.hub.login_state(&key.id);
    let state = state.ok_or_else(|| missing(&app, &key))?;
    Ok(Success::new(state.into()))
}

/// Forgets it, and has the authorization server told.
pub(super) async fn forget(
    State(app): State<Arc<App>>,
    Target(key): Target,
) -> Result<Success<UpstreamLogin>> {
    let forgotten = app.hub.forget_login(&key.id).await;
    let given_back = forgotten
        .ok_or_else(|| missing(&app, &key))?
        .map_err(|error| failed(&key, &error))?;
    let shown = show(State(app), Target(key)).await?;
    Ok(shown.warnings(not_told(given_back.problem)))
}

/// There is nothing of this id, or nothing that somebody logs in to.
fn missing(app: &App, key: &Key) -> Error {
    if app.services.bases.has(&key.id) {
        return Error::conflict(format!(
            "{key} is an HTTP service (`protocol: http`), which nobody logs in to: its `auth` says what its calls are made with, and \
             `oauth2_client_credentials` gets its tokens by itself"
        ));
    }
    let is_there = app.hub.offer(&key.id).is_some();
    Error::not_found(format!(
        "there is no {key} that is switched on{}",
        if is_there { " and gets tokens of OAuth" } else { "" }
    ))
}

/// What whoever takes something back has to know.
pub(super) fn not_told(problem: Option<String>) -> Vec<String> {
    let said =
        |problem| format!("it is forgotten here, but its authorization server was not told: {problem}");
    problem.map(said).into_iter().collect()
}

/// The upstream or its authorization server is to blame, or the document.
fn failed(key: &Key, error: &UpstreamError) -> Error {
    let status = match error {
        UpstreamError::Refused(_) => StatusCode::CONFLICT,
        _ => StatusCode::BAD_GATEWAY,
    };
    Error::new(status, format!("{key}: {error}"))
}
