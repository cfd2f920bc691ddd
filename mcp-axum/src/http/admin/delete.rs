//! `DELETE /admin/{kind}/{id}`.

use super::{
    envelope::Success,
    parameters::{Parameters, Target},
    precondition::expectation,
};
use crate::{app::App, http::error::Result, runtime::control_plane};
use axum::{Extension, extract::State};
use http::HeaderMap;
use mcp_common::authenticator::Principal;
use mcp_core::authoring::writer::{Delete, Written};
use serde::Deserialize;
use std::sync::Arc;
use utoipa::IntoParams;

/// The query of a deletion.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct DeleteQuery {
    /// Say who would go on without it, delete nothing.
    #[serde(default)]
    #[param(default = false)]
    dry_run: bool,
    /// Delete also the last key of the store that may write keys, where no key of the configuration opens `/admin`.
    #[serde(default)]
    #[param(default = false)]
    force: bool,
}

/// Takes the definition out of the store; deleting what is not there is no error.
pub(super) async fn remove(
    State(app): State<Arc<App>>,
    Target(key): Target,
    Parameters(query): Parameters<DeleteQuery>,
    Extension(principal): Extension<Principal>,
    headers: HeaderMap,
) -> Result<Success<String>> {
    let expectation = expectation(&headers)?;
    let writer = &app.admin.writer;
    let Written {
        revision, warnings, ..
    } = writer
        .delete(Delete {
            key: &key,
            expectation,
            dry_run: query.dry_run,
            keep_admin: !query.force && !control_plane::opens_admin(&app.settings),
            principal: &principal.subject,
        })
        .await?;
    let deleted = revision.is_some();
    // The first version's text; its clients read it.
    let text = format!("{} `{}` delete result: {deleted}", key.kind, key.id);
    Ok(Success::new(text).revision(revision).warnings(warnings))
}
