//! `POST /admin/plan` and `POST /admin/apply`: definitions that somebody keeps elsewhere, compared with what is stored,
//! checked as the whole that they would make, and written.

use super::{PATIENCE, access, envelope::Success, parameters::Parameters};
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
use mcp_common::{authenticator::Principal, key::Kind};
use mcp_core::{
    authoring::{
        change_plan::{PlanReport, PlanRequest},
        writer::WriteError,
    },
    peer::Held,
    policy::Verb,
};
use serde::Deserialize;
use std::sync::Arc;
use utoipa::IntoParams;

/// The size of a request: as large as the largest file of definitions.
const MAX_BYTES: usize = 64 * 1024 * 1024;

/// How much memory definitions take while they are planned, for each byte of the request: the least one has 34.
const WEIGHT: u64 = 12;

/// The query of `apply`.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct ApplyQuery {
    /// `fingerprint` of a plan: only exactly these changes, to exactly what was stored then.
    plan: Option<String>,
    /// Refuse what would be refused, answer as usual, write nothing.
    #[serde(default)]
    #[param(default = false)]
    dry_run: bool,
}

/// What would be done; writes nothing.
pub(super) async fn show(
    State(app): State<Arc<App>>,
    Extension(principal): Extension<Principal>,
    request: Request,
) -> Result<Success<PlanReport>> {
    let _turn = app.admin.imports.lock().await;
    let (wanted, _held) = read(request).await?;
    let wanted = Arc::new(wanted);
    let mut report = app.admin.writer.plan(wanted).await?;
    let named = [
        &report.created,
        &report.changed,
        &report.unchanged,
        &report.removed,
    ];
    access::check(
        &principal,
        named.into_iter().flat_map(|list| actions(list, Verb::Read)),
    )?;
    narrow(&mut report, &principal)?;
    Ok(Success::new(report))
}

/// Does it, and waits until this replica serves it.
pub(super) async fn apply(
    State(app): State<Arc<App>>,
    Parameters(query): Parameters<ApplyQuery>,
    Extension(principal): Extension<Principal>,
    request: Request,
) -> Result<Success<PlanReport>> {
    let _turn = app.admin.imports.lock().await;
    let (wanted, _held) = read(request).await?;
    let wanted = Arc::new(wanted);
    let writer = &app.admin.writer;
    let mut fingerprint = query.plan;
    if !principal.admin {
        let report = writer.plan(wanted.clone()).await?;
        let written = [&report.created, &report.changed].into_iter();
        let written = written.flat_map(|list| actions(list, Verb::Write));
        access::check(&principal, written.chain(actions(&report.removed, Verb::Delete)))?;
        let mut seen = report.clone();
        narrow(&mut seen, &principal)?;
        if fingerprint.is_some_and(|given| given != report.fingerprint) {
            return Err(WriteError::OtherPlan.into());
        }
        // What was looked at is what is written.
        fingerprint = Some(report.fingerprint);
    }
    if query.dry_run {
        let mut report = writer.rehearse(wanted, fingerprint.as_deref()).await?;
        narrow(&mut report, &principal)?;
        return Ok(Success::new(report));
    }
    let mut written = writer
        .apply(wanted, fingerprint.as_deref(), &principal.subject)
        .await?;
    narrow(&mut written.value, &principal)?;
    Ok(written.into())
}

/// What it is to do this to definitions, which are named as in paths: `tds/get_order`.
fn actions(definitions: &[String], verb: Verb) -> impl Iterator<Item = String> {
    definitions.iter().map(move |path| verb.of_admin(path))
}

/// Leaves out what the caller may not read; refuses where that is why nothing can be written.
fn narrow(report: &mut PlanReport, principal: &Principal) -> Result<()> {
    let sees = |definition: &str| principal.may(&Verb::Read.of_admin(definition));
    let conflicts = report.problems.iter().filter(|problem| problem.conflict);
    let conflicts: Vec<String> = conflicts.map(|problem| problem.definition.clone()).collect();
    access::check(principal, actions(&conflicts, Verb::Read))?;
    report.skipped.retain(|skipped| sees(&skipped.operation));
    report.warnings.retain(|warning| sees(&warning.definition));
    report.changes.retain(|change| sees(&change.definition));
    if !sees(Kind::INSTANCE.path_segment()) {
        report.clients.clear();
    }
    Ok(())
}

/// Reads what is wanted, and takes the memory for it until that is given back.
async fn read(request: Request) -> Result<(PlanRequest, Held)> {
    let (parts, body) = request.into_parts();
    let body = body::read(body, &parts.extensions, MAX_BYTES, PATIENCE).await.map_err(|error| match error.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Error::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            format!("the definitions have more than {MAX_BYTES} bytes, which is the most that is planned at once"),
        ),
        _ => error,
    })?;
    let (all, needed) = (
        body::peer(&parts.extensions).without_part(),
        WEIGHT * body.len() as u64,
    );
    if needed > all.limit() {
        let message = format!(
            "the definitions take about {} MiB of memory while they are planned, which is more than the {} MiB of `app.memory_budget`; \
             plan them in parts",
            needed.div_ceil(1 << 20),
            all.limit() >> 20
        );
        return Err(Error::new(StatusCode::PAYLOAD_TOO_LARGE, message));
    }
    let held = all
        .hold(needed)
        .map_err(|reason| Error::no_memory(reason, all.limit()))?;
    let wanted: PlanRequest = body::object_of_any_size(&body)
        .map_err(|error| Error::bad_request(format!("the body must be {{\"definitions\": […]}}: {error}")))?;
    wanted
        .options
        .check()
        .map_err(|problem| Error::bad_request(format!("options.{problem}")))?;
    Ok((wanted, held))
}
