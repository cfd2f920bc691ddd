//! What only keys have: `POST /admin/keys` makes one, `/admin/keys/{id}/rotate` gives it another secret, `…/activate` and
//! `…/inactivate` switch it on and off, `…/usage` says when it was used. A key itself is in the answer to the first two, and
//! nowhere else.

use super::{
    entry::shown_as,
    envelope::Success,
    parameters::{Parameters, Target},
};
use crate::{
    app::App,
    http::{
        body,
        error::{Error, Result},
    },
    runtime::control_plane,
    timestamp::rfc3339,
};
use axum::{
    Extension,
    extract::{Request, State},
};
use mcp_common::{
    authenticator::Principal,
    catalog::StoredEntry,
    definition::api_key::ApiKeyStatus,
    document::Document,
    key::{Key, Revision},
};
use mcp_core::authoring::{
    keys::{self, Issued, KeyError, NewKey},
    writer::{Expectation, Put, Written},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};
use utoipa::{IntoParams, ToSchema};

/// No wish for a key needs more.
const MAX_BODY: usize = 64 * 1024;

/// A key, for the only time. Nothing prints it by chance: it has no `Debug`.
#[derive(Serialize, ToSchema)]
pub(super) struct IssuedKey {
    /// The key's id: what logs name, and the path of its document.
    #[schema(value_type = String, example = "k3f09c71be24")]
    id: Arc<str>,
    /// What its holder shows, as `Authorization: Bearer …` or `x-api-key`. It is not stored and cannot be read again.
    #[schema(example = "mcp_k3f09c71be24_…")]
    key: String,
    /// What is stored.
    #[schema(value_type = Object)]
    document: Document,
}

/// The body of a rotation.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Rotation {
    /// How long the secrets before stay valid, in seconds; not at all where nothing is said.
    #[schema(example = 86_400)]
    grace_seconds: u64,
}

/// The query of a switch.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct SwitchQuery {
    /// Also the last key of the store that may write keys, where no key of the configuration opens `/admin`.
    #[serde(default)]
    #[param(default = false)]
    force: bool,
}

/// What this replica has seen of a key since it started.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct KeyUsage {
    /// The time since when that is so, as RFC 3339.
    #[schema(format = DateTime)]
    since: String,
    /// Requests that showed it and were let in.
    requests: u64,
    /// When the last of them came, as RFC 3339; absent if there was none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    last_used_at: Option<String>,
}

/// Makes a key.
pub(super) async fn create(
    State(app): State<Arc<App>>,
    Extension(principal): Extension<Principal>,
    request: Request,
) -> Result<Success<IssuedKey>> {
    let wanted: NewKey = read(&app, request).await?;
    let issued = keys::create(&wanted, SystemTime::now())?;
    issue(&app, issued, Expectation::Absent, &principal).await
}

/// Gives a key another secret.
pub(super) async fn rotate(
    State(app): State<Arc<App>>,
    Target(key): Target,
    Extension(principal): Extension<Principal>,
    request: Request,
) -> Result<Success<IssuedKey>> {
    let Rotation { grace_seconds } = read(&app, request).await?;
    let entry = stored(&app, &key)?;
    let grace = Duration::from_secs(grace_seconds);
    let issued = keys::rotate(&key.id, &entry.document, grace, SystemTime::now())?;
    issue(&app, issued, Expectation::Revision(entry.revision), &principal).await
}

/// Lets its holder in again.
pub(super) async fn activate(
    State(app): State<Arc<App>>,
    Target(key): Target,
    Extension(principal): Extension<Principal>,
) -> Result<Success<Document>> {
    switch(&app, &key, ApiKeyStatus::Active, false, &principal).await
}

/// Lets nobody in with it.
pub(super) async fn inactivate(
    State(app): State<Arc<App>>,
    Target(key): Target,
    Parameters(query): Parameters<SwitchQuery>,
    Extension(principal): Extension<Principal>,
) -> Result<Success<Document>> {
    switch(&app, &key, ApiKeyStatus::Inactive, query.force, &principal).await
}

/// When it was used.
pub(super) async fn usage(State(app): State<Arc<App>>, Target(key): Target) -> Result<Success<KeyUsage>> {
    stored(&app, &key)?;
    let known = app.key_usage.of(&key.id);
    Ok(Success::new(KeyUsage {
        since: rfc3339(known.since),
        requests: known.requests,
        last_used_at: known.last_used_at.map(rfc3339),
    }))
}

async fn switch(
    app: &App,
    key: &Key,
    status: ApiKeyStatus,
    force: bool,
    principal: &Principal,
) -> Result<Success<Document>> {
    let entry = stored(app, key)?;
    let document = keys::with_status(&entry.document, status);
    let expectation = Expectation::Revision(entry.revision);
    let written = write(app, key, &document, expectation, force, principal).await?;
    let document = shown(app, key, &document, written.revision);
    Ok(Success::new(document)
        .revision(written.revision)
        .warnings(written.warnings))
}

async fn issue(
    app: &App,
    issued: Issued,
    expectation: Expectation,
    principal: &Principal,
) -> Result<Success<IssuedKey>> {
    let Issued {
        key,
        document,
        shown: secret,
    } = issued;
    let written = write(app, &key, &document, expectation, false, principal).await?;
    let document = shown(app, &key, &document, written.revision);
    let data = IssuedKey {
        id: key.id,
        key: secret,
        document,
    };
    Ok(Success::new(data)
        .revision(written.revision)
        .warnings(written.warnings))
}

pub(super) async fn write(
    app: &App,
    key: &Key,
    document: &Document,
    expectation: Expectation,
    force: bool,
    principal: &Principal,
) -> Result<Written<()>> {
    let put = Put {
        key,
        document,
        expectation,
        strict: false,
        dry_run: false,
        keep_admin: !force && !control_plane::opens_admin(&app.settings),
        warnings: Vec::new(),
        principal: &principal.subject,
    };
    Ok(app.admin.writer.put(put).await?)
}

pub(super) fn shown(app: &App, key: &Key, document: &Document, revision: Option<Revision>) -> Document {
    let now = app.catalog.snapshot();
    let at = now
        .find(key)
        .filter(|entry| Some(entry.revision) == revision)
        .and_then(|entry| entry.updated_at);
    shown_as(document, key, revision.unwrap_or_default(), at)
}

pub(super) fn stored(app: &App, key: &Key) -> Result<StoredEntry> {
    let found = app.catalog.snapshot().find(key);
    found.ok_or_else(|| Error::not_found(format!("there is no {key}")))
}

/// The body, or what it means that there is none.
pub(super) async fn read<T: DeserializeOwned + Default>(app: &App, request: Request) -> Result<T> {
    let (parts, body) = request.into_parts();
    let most = MAX_BODY.min(app.settings.app.max_body_bytes.as_usize());
    let body = body::read(body, &parts.extensions, most, body::PATIENCE).await?;
    if body.trim_ascii().is_empty() {
        return Ok(T::default());
    }
    body::object(&body).map_err(|reason| Error::bad_request(format!("the body: {reason}")))
}

impl From<KeyError> for Error {
    fn from(error: KeyError) -> Self {
        match error {
            KeyError::Document(problems) => problems.into(),
            KeyError::NoRandomness(_) => Self::internal(error.to_string()),
        }
    }
}
