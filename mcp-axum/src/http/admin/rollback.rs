//! `POST /admin/{tds,ids}/{id}/rollback`: an earlier document is stored again, as a new revision.

use super::{
    envelope::Success,
    history::past,
    parameters::{Parameters, Target},
    put::{self, PutQuery},
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
use mcp_common::{
    authenticator::Principal,
    document::Document,
    key::{Key, Revision},
};
use serde::Deserialize;
use std::sync::Arc;
use utoipa::ToSchema;

/// No rollback's body needs more.
const MAX_BODY: usize = 4096;

/// The body of a rollback.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Rollback {
    /// The state to bring back, as `history` lists it.
    #[schema(value_type = u64, example = 7)]
    revision: Revision,
}

/// Passes what a `PUT` of that document has to pass: what compiled once need not compile today.
pub(super) async fn bring_back(
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
        MAX_BODY.min(app.settings.app.max_body_bytes.as_usize()),
        body::PATIENCE,
    )
    .await?;
    let Rollback { revision } = body::object(&body)
        .map_err(|error| Error::bad_request(format!("the body must be {{\"revision\": n}}: {error}")))?;
    let document = document(&app, &key, revision).await?;
    put::write(&app, &key, document, &parts.headers, &query, &principal)
        .await
        .map_err(|error| error.prefixed(&format!("revision {revision} is not brought back")))
}

/// The document as it was stored, text for text.
async fn document(app: &App, key: &Key, revision: Revision) -> Result<Document> {
    let states = past::states(app, key).await?;
    let state = past::at(&states, key, revision)?;
    past::document(&state).map_err(|reason| {
        let advice = match state.body {
            None => "; to delete it again, send DELETE",
            Some(_) => "; choose another revision",
        };
        Error::bad_request(format!("{reason}{advice}"))
    })
}
