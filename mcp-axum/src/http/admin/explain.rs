//! `POST /admin/tds/{id}/explain`: what a call would send and why; with `send` what comes back. Stored tools and
//! drafts, before they are stored.

use super::{envelope::Success, parameters::Target};
use crate::{
    app::App,
    http::{
        body,
        error::{Error, Result},
    },
};
use axum::{
    Extension,
    extract::{Request, State},
};
use mcp_common::authenticator::Principal;
use mcp_core::authoring::explain::{
    AskError, Explanation, RemoteExplanation, RemoteRequest, explain, explain_remote,
};
use std::sync::Arc;

/// Explains; nothing is stored, and nothing sent without `send`.
pub(super) async fn run(
    State(app): State<Arc<App>>,
    Target(key): Target,
    Extension(principal): Extension<Principal>,
    request: Request,
) -> Result<Success<Explanation>> {
    let limit = app.settings.app.max_body_bytes.as_usize();
    let (parts, body) = request.into_parts();
    let body = body::read(body, &parts.extensions, limit, body::PATIENCE).await?;
    let explained = explain(&app.catalog, &app.admin.engine, &key, &body, &principal).await?;
    Ok(Success::new(explained.explanation)
        .revision(explained.revision)
        .warnings(explained.warnings))
}

/// Explains a call of an upstream's tool; nothing is sent.
pub(super) async fn remote(
    State(app): State<Arc<App>>,
    Target(key): Target,
    request: Request,
) -> Result<Success<RemoteExplanation>> {
    let limit = app.settings.app.max_body_bytes.as_usize();
    let (parts, body) = request.into_parts();
    let body = body::read(body, &parts.extensions, limit, body::PATIENCE).await?;
    let asked: RemoteRequest =
        body::object(&body).map_err(|reason| Error::bad_request(format!("the body: {reason}")))?;
    let explained = explain_remote(&app.catalog, &app.hub, &key, &asked)?;
    Ok(Success::new(explained))
}

impl From<AskError> for Error {
    fn from(error: AskError) -> Self {
        match error {
            AskError::Invalid(text) => Self::bad_request(text),
            AskError::Refused(refusal) => refusal.into(),
            AskError::Broken(problems) => problems.into(),
            AskError::Missing(text) => Self::not_found(text),
            AskError::Quarantined(text) => Self::conflict(text),
        }
    }
}
