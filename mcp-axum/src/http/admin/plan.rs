//! `POST /admin/plan` and `POST /admin/apply`: definitions that somebody keeps elsewhere, compared with what is stored,
//! checked as the whole that they would make, and written.

use super::{
    PATIENCE,
    envelope::Success,
    parameters::Parameters,
    propagation::{arrival, arrived},
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
use http::StatusCode;
use mcp_common::authenticator::Principal;
use mcp_core::authoring::change_plan::{Examined, PlanReport, PlanRequest, Stored, examine};
use serde::Deserialize;
use std::sync::Arc;
use utoipa::IntoParams;

/// Of a request: as large as the largest file of definitions.
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
    let wanted = read(request).await?;
    let examined = examined(&app, wanted).await?;
    Ok(Success::new(examined.report))
}

/// Does it, and waits until this replica serves it.
pub(super) async fn apply(
    State(app): State<Arc<App>>,
    Parameters(query): Parameters<ApplyQuery>,
    Extension(principal): Extension<Principal>,
    request: Request,
) -> Result<Success<PlanReport>> {
    let _large = app.admin.imports.lock().await;
    let wanted = read(request).await?;
    let turn = app.admin.writes.lock().await;
    let Examined { plan, mut report } = examined(&app, wanted).await?;
    if let Some(first) = report.problems.first() {
        let text = match report.problems.len() - 1 {
            0 => format!("nothing was written: {first}"),
            more => format!("nothing was written: {first} (and {more} more; POST /admin/plan lists all)"),
        };
        let is_conflict = report.problems.iter().all(|problem| problem.conflict);
        return Err(if is_conflict {
            Error::conflict(text)
        } else {
            Error::bad_request(text)
        });
    }
    if query.plan.is_some_and(|plan| plan != report.fingerprint) {
        let text = "nothing was written: the store or the definitions are not those that the plan was made of; plan again";
        return Err(Error::conflict(text));
    }
    let applied = plan.apply(&*app.source, &principal.subject).await?;
    let Some(revision) = applied.revision else {
        return Ok(Success::new(report));
    };
    let late = arrival(&app, revision, turn).await;
    report.revision = Some(revision);
    Ok(Success::new(report)
        .revision(Some(revision))
        .warnings(late.into_iter().collect()))
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
    let wanted: PlanRequest = serde_json::from_slice(&body)
        .map_err(|error| Error::bad_request(format!("the body must be {{\"definitions\": […]}}: {error}")))?;
    wanted
        .options
        .check()
        .map_err(|problem| Error::bad_request(format!("options.{problem}")))?;
    Ok(wanted)
}

async fn examined(app: &Arc<App>, wanted: PlanRequest) -> Result<Examined> {
    let load = app.source.load().await?;
    arrived(app, load.revision).await?;
    let app = app.clone();
    let work = move || {
        let stored = Stored::from(load);
        examine(&wanted.definitions, &wanted.options, &stored, &app.catalog)
    };
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| Error::internal(error.to_string()))
}
