//! `PUT /admin/{kind}/{id}`: validate by compiling, store, wait until this replica serves it.

use super::{
    entry::shown_as,
    envelope::Success,
    parameters::{Parameters, Target},
    precondition::expected,
    propagation::arrival,
    verify::{self, Verify},
};
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
use bytes::Bytes;
use http::HeaderMap;
use mcp_common::{
    authenticator::Principal,
    catalog::Snapshot,
    datasource::Write,
    document::Document,
    key::{Key, Kind, Revision},
};
use mcp_core::authoring::change_plan::SERVER_MAINTAINED;
use serde::Deserialize;
use std::sync::Arc;
use utoipa::IntoParams;

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
    /// Run the examples of the tool before it is stored, `mock` or `live` (only GET, HEAD and OPTIONS); if one fails,
    /// the answer is 422 and nothing is stored.
    #[param(inline, required = false)]
    verify: Option<Verify>,
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
    let body = body::read(
        body,
        &parts.extensions,
        app.settings.app.max_body_bytes.as_usize(),
        body::PATIENCE,
    )
    .await?;
    let document = stored_form(&key, &body)?;
    write(&app, &key, document, &parts.headers, &query, &principal).await
}

/// Everything that a write of a document has to pass, wherever the document comes from.
pub(super) async fn write(
    app: &App,
    key: &Key,
    document: Document,
    headers: &HeaderMap,
    query: &PutQuery,
    principal: &Principal,
) -> Result<Success<Document>> {
    let mut verified = Vec::new();
    if let Some(verify) = query.verify {
        // What is wrong with the document itself comes first; upstreams are not waited for with the lock held.
        app.catalog.check(key, &document)?;
        verified = verify::verified(app, key, &document, verify, principal).await?;
    }
    let turn = app.admin.writes.lock().await;
    let before = app.catalog.snapshot();
    let current = before.stored_revision(key);
    let expected = expected(headers, current)?;
    let mut warnings = app.catalog.check(key, &document)?;
    warnings.extend(verified);
    if query.strict && !warnings.is_empty() {
        return Err(Error::bad_request(warnings.join("; ")));
    }
    if query.dry_run {
        // Loses against another write like a real one.
        expected.met_by(current)?;
        return Ok(Success::new(document).warnings(warnings));
    }
    let write = Write {
        key,
        expected,
        principal: &principal.subject,
    };
    let revision = app.source.put(write, Bytes::from(document.to_json())).await?;
    warnings.extend(arrival(app, revision, turn).await);

    let now = app.catalog.snapshot();
    warnings.extend(overtaken(&now, key, revision));
    let at = now
        .find(key)
        .filter(|entry| entry.revision == revision)
        .and_then(|entry| entry.updated_at);
    let data = shown_as(&document, &key.id, revision, at);
    Ok(Success::new(data).revision(Some(revision)).warnings(warnings))
}

/// The document as it is stored: under the URL's id, without what the server maintains.
pub(super) fn stored_form(key: &Key, body: &[u8]) -> Result<Document> {
    let mut document = Document::parse(body)
        .map_err(|problem| Error::bad_request(format!("the body is no document: {problem}")))?;
    document.set_first("id", &key.id);
    for member in SERVER_MAINTAINED {
        document.remove(member);
    }
    Ok(document)
}

/// What was fine when it was checked can be wrong when it arrives: another replica wrote at the same time.
fn overtaken<T>(now: &Snapshot<T>, key: &Key, revision: Revision) -> Vec<String> {
    let mut keys = vec![key.clone()];
    if key.kind == Kind::TOOL {
        keys.extend(now.instances_of(&key.id).into_iter().map(Key::instance));
    }
    let quarantined = keys
        .iter()
        .filter_map(|key| now.quarantined(key).filter(|bad| bad.revision >= revision));
    quarantined
        .map(|bad| format!("stored, but {} is in quarantine: {}", bad.place, bad.reason))
        .collect()
}
