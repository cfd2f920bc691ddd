//! `DELETE /admin/{kind}/{id}`.

use super::{envelope::Success, parameters::Target, precondition::expectation};
use crate::{app::App, http::error::Result};
use axum::{Extension, extract::State};
use http::HeaderMap;
use mcp_common::authenticator::Principal;
use mcp_core::authoring::writer::Written;
use std::sync::Arc;

/// Takes the definition out of the store; deleting what is not there is no error.
pub(super) async fn remove(
    State(app): State<Arc<App>>,
    Target(key): Target,
    Extension(principal): Extension<Principal>,
    headers: HeaderMap,
) -> Result<Success<String>> {
    let expectation = expectation(&headers)?;
    let writer = &app.admin.writer;
    let Written {
        revision, warnings, ..
    } = writer.delete(&key, expectation, &principal.subject).await?;
    let deleted = revision.is_some();
    // The first version's text; its clients read it.
    let text = format!("{} `{}` delete result: {deleted}", key.kind, key.id);
    Ok(Success::new(text).revision(revision).warnings(warnings))
}
