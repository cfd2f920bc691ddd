//! `DELETE /admin/{tds,ids}/{id}`.

use super::{
    envelope::Success,
    parameters::Target,
    precondition::expected,
    put::{EXCLUSIVE, PROPAGATION, current_revision, not_arrived},
};
use crate::{
    app::App,
    error::{Error, Result},
};
use axum::{Extension, extract::State};
use http::HeaderMap;
use mcp_common::{
    authenticator::Principal,
    datasource::{Expected, Write},
};
use std::sync::Arc;

/// Takes the definition out of the store; deleting what is not there is no error.
pub(super) async fn remove(
    State(app): State<Arc<App>>,
    Target(key): Target,
    Extension(principal): Extension<Principal>,
    headers: HeaderMap,
) -> Result<Success<String>> {
    // See `Admin::writes`.
    let one_at_a_time = app.admin.writes.lock().await;
    let expected = expected(&headers, current_revision(&app, &key))?;
    if expected == Expected::Absent {
        return Err(Error::bad_request("If-None-Match: means nothing for a delete; use If-Match"));
    }
    let write = Write { key: &key, expected, principal: &principal.subject };
    let revision = app.source.delete(write).await?;
    let mut warnings = Vec::new();
    if let Some(revision) = revision {
        let arrived = app.catalog.wait_for(revision, EXCLUSIVE).await;
        drop(one_at_a_time);
        if !arrived && !app.catalog.wait_for(revision, PROPAGATION - EXCLUSIVE).await {
            warnings.push(not_arrived(revision));
        }
    }
    let deleted = revision.is_some();
    // The first version's text; its clients read it.
    let text = format!("{} `{}` delete result: {deleted}", key.kind, key.id);
    Ok(Success::new(text).revision(revision).warnings(warnings))
}
