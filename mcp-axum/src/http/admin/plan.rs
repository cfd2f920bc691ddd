//! `POST /admin/plan` and `POST /admin/apply`: definitions that somebody keeps elsewhere, compared with what is stored,
//! checked as the whole that they would make, and written.

use super::{PATIENCE, envelope::Success, parameters::Parameters};
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
use http::StatusCode;
use mcp_common::authenticator::Principal;
use mcp_core::authoring::change_plan::{PlanReport, PlanRequest};
use serde::Deserialize;
use std::sync::Arc;
use utoipa::IntoParams;

/// The size of a request: as large as the largest file of definitions.
const MAX_BYTES: usize = 64 * 1024 * 1024;

/// The query of `apply`.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ApplyQuery {
    /// `fingerprint` of a plan: only exactly these changes, to exactly what was stored then.
    plan: Option<String>,
}

/// What would be done; writes nothing.
pub(super) async fn show(State(app): State<Arc<App>>, request: Request) -> Result<Success<PlanReport>> {
    let _turn = app.admin.imports.lock().await;
    let wanted = Arc::new(read(request).await?);
    Ok(Success::new(app.admin.writer.plan(wanted).await?))
}

/// Does it, and waits until this replica serves it.
pub(super) async fn apply(
    State(app): State<Arc<App>>,
    Parameters(query): Parameters<ApplyQuery>,
    Extension(principal): Extension<Principal>,
    request: Request,
) -> Result<Success<PlanReport>> {
    let _turn = app.admin.imports.lock().await;
    let wanted = Arc::new(read(request).await?);
    let writer = &app.admin.writer;
    let written = writer
        .apply(wanted, query.plan.as_deref(), &principal.subject)
        .await?;
    Ok(written.into())
}

async fn read(request: Request) -> Result<PlanRequest> {
    let (parts, body) = request.into_parts();
    let body = body::read(body, &parts.extensions, MAX_BYTES, PATIENCE).await.map_err(|error| match error.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Error::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            format!("the definitions have more than {MAX_BYTES} bytes, which is the most that is planned at once"),
        ),
        _ => error,
    })?;
    let wanted: PlanRequest = body::object(&body)
        .map_err(|error| Error::bad_request(format!("the body must be {{\"definitions\": […]}}: {error}")))?;
    wanted
        .options
        .check()
        .map_err(|problem| Error::bad_request(format!("options.{problem}")))?;
    Ok(wanted)
}
