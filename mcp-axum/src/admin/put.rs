//! `PUT /admin/{tds,ids}/{id}`: validate by compiling, store, wait until this replica serves it.

use super::{
    body,
    entry::{SERVER_MAINTAINED, shown},
    envelope::Success,
    parameters::{Parameters, Target},
    precondition::expected,
};
use crate::{
    app::App,
    error::{Error, Result},
};
use axum::{
    Extension,
    extract::{Request, State},
};
use bytes::Bytes;
use mcp_common::{
    authenticator::Principal,
    datasource::Write,
    document::Document,
    key::{Key, Revision},
};
use serde::Deserialize;
use std::{sync::Arc, time::Duration};
use utoipa::IntoParams;

/// How long a write waits for this replica to serve it.
pub(super) const PROPAGATION: Duration = Duration::from_secs(5);
/// How much of that the next write waits along.
pub(super) const EXCLUSIVE: Duration = Duration::from_secs(1);

/// The query of a write.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct PutQuery {
    /// Warnings (unknown members, unknown tool ids) are errors.
    #[serde(default)]
    #[param(default = false)]
    strict: bool,
    /// Validate, answer as usual, store nothing.
    #[serde(default)]
    #[param(default = false)]
    dry_run: bool,
}

/// Stores the document.
pub(super) async fn store(
    State(app): State<Arc<App>>,
    Target(key): Target,
    Parameters(query): Parameters<PutQuery>,
    Extension(principal): Extension<Principal>,
    request: Request,
) -> Result<Success<Document>> {
    let (parts, body) = request.into_parts();
    let body = body::read(body, app.settings.app.max_body_bytes.as_usize()).await?;
    let document = stored_form(&key, &body)?;

    // See `Admin::writes`.
    let one_at_a_time = app.admin.writes.lock().await;
    let current = current_revision(&app, &key);
    let expected = expected(&parts.headers, current)?;
    let mut warnings = app.catalog.check(&key, &document)?;
    if query.strict && !warnings.is_empty() {
        return Err(Error::bad_request(warnings.join("; ")));
    }
    if query.dry_run {
        return Ok(Success::new(document).warnings(warnings));
    }
    let write = Write { key: &key, expected, principal: &principal.subject };
    let revision = app.source.put(write, Bytes::from(document.to_json())).await?;
    let mut arrived = app.catalog.wait_for(revision, EXCLUSIVE).await;
    drop(one_at_a_time);
    if !arrived {
        arrived = app.catalog.wait_for(revision, PROPAGATION - EXCLUSIVE).await;
    }
    if !arrived {
        warnings.push(not_arrived(revision));
    }
    let snapshot = app.catalog.snapshot();
    // Only a write of another replica, at the same time, can have made a checked document wrong.
    if let Some(bad) = snapshot.quarantined(&key).filter(|bad| bad.revision >= revision) {
        warnings.push(format!("stored, but quarantined: {}", bad.reason));
    }
    let at = super::entry::Entry::find(&snapshot, &key).filter(|e| e.revision == revision).and_then(|e| e.updated_at);
    let data = shown(&document, &key.id, revision, at);
    Ok(Success::new(data).revision(Some(revision)).warnings(warnings))
}

/// The document as it is stored: under the URL's id, without what the server maintains.
fn stored_form(key: &Key, body: &[u8]) -> Result<Document> {
    let mut document = Document::parse(body)?;
    document.set_first("id", &key.id);
    for member in SERVER_MAINTAINED {
        document.remove(member);
    }
    Ok(document)
}

/// Of what is stored under the key, as far as this replica knows.
pub(super) fn current_revision(app: &App, key: &Key) -> Option<Revision> {
    let snapshot = app.catalog.snapshot();
    let quarantined = snapshot.quarantined(key).map(|bad| bad.revision);
    let live = super::entry::Entry::find(&snapshot, key).map(|entry| entry.revision);
    quarantined.max(live)
}

/// The write is safe in the store; that is all that can be said.
pub(super) fn not_arrived(revision: Revision) -> String {
    let seconds = PROPAGATION.as_secs();
    format!("revision {revision} is stored, but did not reach this replica within {seconds} s; see /admin/status")
}
