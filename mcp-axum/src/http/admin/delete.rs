//! `DELETE /admin/{tds,ids}/{id}`.

use super::{envelope::Success, parameters::Target, precondition::expected, propagation::arrival};
use crate::{
    app::App,
    http::error::{Error, Result},
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
    let turn = app.admin.writes.lock().await;
    let current = app.catalog.snapshot().stored_revision(&key);
    let expected = expected(&headers, current)?;
    if expected == Expected::Absent {
        return Err(Error::bad_request(
            "If-None-Match: means nothing for a delete; use If-Match",
        ));
    }
    let write = Write {
        key: &key,
        expected,
        principal: &principal.subject,
    };
    let revision = app.source.delete(write).await?;
    let mut warnings = Vec::new();
    if let Some(revision) = revision {
        warnings.extend(arrival(&app, revision, turn).await);
    }
    let deleted = revision.is_some();
    // The first version's text; its clients read it.
    let text = format!("{} `{}` delete result: {deleted}", key.kind, key.id);
    Ok(Success::new(text).revision(revision).warnings(warnings))
}
