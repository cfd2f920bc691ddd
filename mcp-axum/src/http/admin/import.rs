//! `POST /admin/import/{openapi,curl,postman,har}`: a description comes in, its operations become the tools of an
//! instance. Nothing is fetched: the document is the body.

mod request;

use super::{
    PATIENCE,
    envelope::Success,
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
    extract::{Path, RawQuery, Request, State},
};
use http::StatusCode;
use mcp_common::{authenticator::Principal, key::Revision};
use mcp_core::authoring::{
    change_plan::{ApplyError, Plan, Stored},
    import::{Format, ImportError, Report, import},
};
use request::ImportRequest;
use std::sync::Arc;
use tokio::sync::MutexGuard;

/// Plans, writes unless it is a dry run, and waits until this replica serves it.
pub(super) async fn run(
    State(app): State<Arc<App>>,
    Path(format): Path<String>,
    RawQuery(query): RawQuery,
    Extension(principal): Extension<Principal>,
    request: Request,
) -> Result<Success<Report>> {
    let format: Format = format
        .parse()
        .map_err(|error: ImportError| Error::not_found(error.to_string()))?;
    let parameters = ImportRequest::of_query(query.as_deref().unwrap_or_default(), app.catalog.compiler())?;
    // One at a time: a document in memory is a large one.
    let _turn = app.admin.imports.lock().await;
    let limit = parameters.options.limits.max_bytes;
    let (parts, body) = request.into_parts();
    let bytes = body::read(body, &parts.extensions, limit, PATIENCE)
        .await
        .map_err(|error| match error.status() {
            StatusCode::PAYLOAD_TOO_LARGE => Error::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                format!(
                    "the document has more than {limit} bytes, which is the most that is imported at once"
                ),
            ),
            _ => error,
        })?;
    let text =
        String::from_utf8(bytes.into()).map_err(|_| Error::bad_request("the document is not UTF-8"))?;
    let (request, text) = parameters.with_body(text)?;
    let load = app.source.load().await?;
    let now = load.revision;
    let stored = Stored::from(load);
    let is_dry_run = request.dry_run;
    let planned = tokio::task::spawn_blocking(move || import(format, &text, &request.options, &stored)).await;
    let (plan, report) = planned.map_err(|error| Error::internal(error.to_string()))??;
    let turn = app.admin.writes.lock().await;
    checked(&app, &plan, now).await?;
    if is_dry_run {
        return Ok(Success::new(report));
    }
    write(&app, &plan, report, &principal, turn).await
}

/// Refuses what would not be served as it is meant, looking at everything that is to be written together.
async fn checked(app: &Arc<App>, plan: &Plan, now: Revision) -> Result<()> {
    arrived(app, now).await?;
    let (app, plan) = (app.clone(), plan.clone());
    let refusal = tokio::task::spawn_blocking(move || plan.preview(&app.catalog).refusal()).await;
    match refusal.map_err(|error| Error::internal(error.to_string()))? {
        Some(refusal) => Err(Error::from(refusal).prefixed("nothing was imported")),
        None => Ok(()),
    }
}

async fn write(
    app: &App,
    plan: &Plan,
    report: Report,
    principal: &Principal,
    turn: MutexGuard<'_, ()>,
) -> Result<Success<Report>> {
    let applied = plan.apply(&*app.source, &principal.subject).await?;
    let Some(revision) = applied.revision else {
        return Ok(Success::new(report));
    };
    let late = arrival(app, revision, turn).await;
    Ok(Success::new(report)
        .revision(Some(revision))
        .warnings(late.into_iter().collect()))
}

impl From<ImportError> for Error {
    fn from(error: ImportError) -> Self {
        match error {
            ImportError::TooLarge { .. } => Self::new(StatusCode::PAYLOAD_TOO_LARGE, error.to_string()),
            other => Self::bad_request(other.to_string()),
        }
    }
}

impl From<ApplyError> for Error {
    fn from(error: ApplyError) -> Self {
        let progress = format!("{} of {} changes were written", error.written, error.planned);
        let key = error.key.clone();
        let cause = Self::from(error.cause);
        let text = format!(
            "{progress}, then {key}: {}; doing it again continues from there",
            cause.message()
        );
        cause.with_message(text)
    }
}
