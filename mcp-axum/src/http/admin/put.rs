//! `PUT /admin/{kind}/{id}`: validate by compiling, store, wait until this replica serves it.

use super::{
    entry::shown_as,
    envelope::Success,
    parameters::{Parameters, Target},
    precondition::expectation,
    verify::{self, Verify},
};
use crate::{
    app::App,
    http::{
        body,
        error::{Error, Result},
    },
    runtime::control_plane,
};
use axum::{
    Extension,
    extract::{Request, State},
};
use http::HeaderMap;
use mcp_common::{
    authenticator::Principal,
    document::Document,
    key::{Key, Kind},
};
use mcp_core::authoring::{
    stored_form::stored_form,
    writer::{Put, Written},
};
use serde::Deserialize;
use std::sync::Arc;
use utoipa::IntoParams;

/// The query of a write.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct PutQuery {
    /// Warnings (unknown members, unknown tool ids) are errors.
    #[serde(default)]
    #[param(default = false)]
    strict: bool,
    /// Validate, answer as usual, store nothing.
    #[serde(default)]
    #[param(default = false)]
    dry_run: bool,
    /// Of a key: take away the last one of the store that may write keys, where no key of the configuration opens `/admin`.
    #[serde(default)]
    #[param(default = false)]
    force: bool,
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
    let bounds = app.catalog.compiler().bounds().definition();
    bounds
        .check(&body)
        .map_err(|exceeded| Error::bad_request(format!("the body is no document: it {exceeded}")))?;
    let document = stored_form(&key, &body)
        .map_err(|problem| Error::bad_request(format!("the body is no document: {problem}")))?;
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
        // Others have no examples, and the value of a secret is not encrypted yet.
        if key.kind == Kind::TOOL {
            app.catalog.check(key, &document)?;
        }
        verified = verify::verified(app, key, &document, verify, principal).await?;
    }
    let put = Put {
        key,
        document: &document,
        expectation: expectation(headers)?,
        strict: query.strict,
        dry_run: query.dry_run,
        keep_admin: !query.force && !control_plane::opens_admin(&app.settings),
        warnings: verified,
        principal: &principal.subject,
    };
    let Written {
        revision, warnings, ..
    } = app.admin.writer.put(put).await?;
    let Some(revision) = revision else {
        return Ok(Success::new(key.kind.row().shown(&document)).warnings(warnings));
    };
    let now = app.catalog.snapshot();
    let stored = now.find(key).filter(|entry| entry.revision == revision);
    let at = stored.as_ref().and_then(|entry| entry.updated_at);
    // Of a secret the gateway says itself when it was written, and with which key.
    let written = stored
        .filter(|_| key.kind == Kind::SECRET)
        .map_or(document, |entry| entry.document);
    let data = shown_as(&written, key, revision, at);
    Ok(Success::new(data).revision(Some(revision)).warnings(warnings))
}
