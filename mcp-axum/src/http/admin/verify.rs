//! Examples of a definition as its tests: of a stored one (`POST /admin/tds/{id}/verify`, `POST /admin/uds/{id}/verify`), and of one that is to be
//! stored (`PUT …?verify=`), which is refused if it does not do what its own examples say.

use super::{
    envelope::Success,
    parameters::{Parameters, Target},
};
use crate::{
    app::App,
    http::error::{Error, Result},
};
use axum::{Extension, extract::State};
use http::StatusCode;
use mcp_common::{
    authenticator::Principal,
    definition::{ToolDefinition, UpstreamDefinition},
    document::Document,
    key::{Key, Kind},
};
use mcp_core::{
    authoring::examples::{ExampleRun, Mode, RemoteRunner, Runner, Verdict},
    tool::InstanceNames,
};
use serde::Deserialize;
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};

/// Failing examples that a refusal names.
const MAX_NAMED: usize = 3;

/// Where answers come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Verify {
    /// `mock` of the example; nothing is sent.
    #[default]
    Mock,
    /// The upstream.
    Live,
}

/// The query of `verify`.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct VerifyQuery {
    /// `mock`: the answers stand in the examples; `live`: the requests are sent.
    #[serde(default)]
    #[param(value_type = String, default = "mock", example = "live")]
    mode: Verify,
    /// Whether `live` also makes requests that may change something (other than GET, HEAD and OPTIONS).
    #[serde(default)]
    #[param(default = false)]
    any_method: bool,
}

/// Runs the examples of what is served.
pub(super) async fn run(
    State(app): State<Arc<App>>,
    Target(key): Target,
    Parameters(query): Parameters<VerifyQuery>,
    Extension(principal): Extension<Principal>,
) -> Result<Success<Vec<ExampleRun>>> {
    let snapshot = app.catalog.snapshot();
    let entry = snapshot
        .tools
        .get(&key.id)
        .ok_or_else(|| Error::not_found(format!("there is no {key}, or nothing of it is served")))?;
    let mode = mode(query.mode, query.any_method);
    let runs = examples(&app, &key, &entry.document, mode, &principal).await?;
    Ok(Success::new(runs).revision(Some(entry.revision)))
}

/// Runs the examples that an upstream's document has of its tools' calls.
pub(super) async fn remote(
    State(app): State<Arc<App>>,
    Target(key): Target,
    Parameters(query): Parameters<VerifyQuery>,
    Extension(principal): Extension<Principal>,
) -> Result<Success<Vec<ExampleRun>>> {
    let snapshot = app.catalog.snapshot();
    let served = snapshot
        .documents(Kind::UPSTREAM)
        .and_then(|all| all.get(&key.id));
    let entry =
        served.ok_or_else(|| Error::not_found(format!("there is no {key}, or nothing of it is served")))?;
    let definition = UpstreamDefinition::read(&key.id, &entry.document)?.definition;
    let runner = RemoteRunner {
        engine: &app.admin.engine,
        compiler: app.catalog.compiler(),
        hub: &app.hub,
        principal: &principal,
        mode: mode(query.mode, query.any_method),
    };
    let runs = runner.run(&definition, |_| true).await;
    Ok(Success::new(runs).revision(Some(entry.revision)))
}

/// Warnings, if the document does what its examples say. It has passed the catalog's check.
pub(super) async fn verified(
    app: &App,
    key: &Key,
    document: &Document,
    verify: Verify,
    principal: &Principal,
) -> Result<Vec<String>> {
    if key.kind != Kind::TOOL {
        return Err(Error::bad_request("verify: only tools have examples"));
    }
    let runs = examples(app, key, document, mode(verify, false), principal).await?;
    let of = |verdict| runs.iter().filter(move |run| run.verdict == verdict);
    let failed: Vec<String> = of(Verdict::Failed)
        .take(MAX_NAMED)
        .map(|run| format!("{}: {}", run.example, run.details.join("; ")))
        .collect();
    if !failed.is_empty() {
        let text = format!(
            "the definition does not do what its examples say; nothing was stored. {}",
            failed.join(". ")
        );
        return Err(Error::new(StatusCode::UNPROCESSABLE_ENTITY, text));
    }
    let mut warnings: Vec<String> = of(Verdict::Skipped)
        .map(|run| format!("{}: was not run: {}", run.example, run.details.join("; ")))
        .collect();
    if of(Verdict::Passed).next().is_none() {
        warnings.push("verify: no example was run".to_owned());
    }
    Ok(warnings)
}

fn mode(verify: Verify, any_method: bool) -> Mode {
    match verify {
        Verify::Mock => Mode::Mock,
        Verify::Live => Mode::Live { any_method },
    }
}

async fn examples(
    app: &App,
    key: &Key,
    document: &Document,
    mode: Mode,
    principal: &Principal,
) -> Result<Vec<ExampleRun>> {
    let definition = ToolDefinition::read(&key.id, document)?.definition;
    let tool = app.catalog.compiler().compile_document(&key.id, document)?.tool;
    let snapshot = app.catalog.snapshot();
    let having = snapshot.instances_of(&key.id);
    let first = having.iter().find_map(|id| snapshot.instances.get(id));
    let instance = first.map_or_else(
        || InstanceNames::id_only(""),
        |entry| InstanceNames::of(&entry.definition),
    );
    let runner = Runner {
        engine: &app.admin.engine,
        instance: &instance,
        principal,
        mode,
    };
    Ok(runner.run(&tool, &definition).await)
}
