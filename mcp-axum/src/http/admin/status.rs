//! `GET /admin/status`: how this replica is doing.

use super::{envelope::Success, parameters::Parameters};
use crate::{
    app::{App, Phase},
    http::error::Result,
    reload::Report,
    timestamp::rfc3339,
};
use axum::extract::State;
use indexmap::IndexMap;
use mcp_common::{
    catalog::Compile,
    key::{Kind, Revision},
    safe_mode::SafeMode,
    tasks::TaskReport,
};
use mcp_core::policy::SharedState;
use serde::{Deserialize, Serialize};
use std::{sync::Arc, time::Duration};
use utoipa::{IntoParams, ToSchema};

/// Longest wait for a revision.
const PATIENCE: Duration = Duration::from_secs(5);

/// The query of a status.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct StatusQuery {
    /// Wait (at most 5 s) until this replica serves this revision; compare `data.revision` afterwards.
    #[param(value_type = Option<u64>)]
    wait_revision: Option<Revision>,
}

/// One replica.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Status {
    /// Name of the data source plugin.
    #[schema(example = "sqlite")]
    source: String,
    /// The revision of the catalog that is served.
    #[schema(value_type = u64)]
    revision: Revision,
    /// Milliseconds since the data source was last heard of while it is away, 0 while it is there.
    lag_ms: u64,
    /// Whether the data source is away: what is served may be old.
    stale: bool,
    /// Whether requests should come here.
    ready: bool,
    /// How many definitions are in quarantine, with roles that inherit each other in a circle.
    quarantined: usize,
    /// How many documents are not compiled because the gateway died of them; those that are stored are in quarantine.
    held_back: usize,
    /// How many definitions are switched off in the data source (`status` is not 1) and so not served; `null` where
    /// it has not said yet.
    disabled: Option<u64>,
    /// How many definitions of each kind are listed, by the name that the kind has in paths.
    #[schema(value_type = HashMap<String, usize>, example = json!({"tds": 12, "ids": 2, "uds": 1, "keys": 3}))]
    definitions: IndexMap<&'static str, usize>,
    /// How the configuration's file is doing.
    config: Report,
    /// Whether limits are counted together with other replicas; `null` where the configuration does not say that they are.
    shared_limits: Option<SharedLimits>,
    /// What runs in the background, by name.
    tasks: Vec<Task>,
    /// RFC 3339.
    #[schema(format = DateTime)]
    started_at: String,
    /// The gateway's version.
    #[schema(example = "0.1.0")]
    version: &'static str,
}

/// Whether limits are counted together with other replicas.
#[derive(Debug, Serialize, ToSchema)]
struct SharedLimits {
    /// `together`, `alone`, or `unknown` just after the start.
    #[schema(example = "together")]
    counted: &'static str,
    /// Why this replica counts alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

impl From<SharedState> for SharedLimits {
    fn from(state: SharedState) -> Self {
        let (counted, reason) = match state {
            SharedState::There => ("together", None),
            SharedState::Unknown => ("unknown", None),
            SharedState::Away(reason) => ("alone", Some(reason)),
        };
        Self { counted, reason }
    }
}

/// The background tasks of one name.
#[derive(Debug, Serialize, ToSchema)]
struct Task {
    /// What they are.
    #[schema(example = "sync")]
    name: &'static str,
    /// How many run now.
    running: u64,
    /// How often one of them was started again after it had failed.
    restarts: u64,
    /// Whether one failed in the last ten seconds, or waits to be started again; the log says why.
    in_trouble: bool,
}

impl From<TaskReport> for Task {
    fn from(report: TaskReport) -> Self {
        let TaskReport {
            name,
            running,
            restarts,
            in_trouble,
        } = report;
        Self {
            name,
            running,
            restarts,
            in_trouble,
        }
    }
}

/// Answers from memory but for `disabled`: it answers also when the data source is away.
pub(super) async fn show(
    State(app): State<Arc<App>>,
    Parameters(query): Parameters<StatusQuery>,
) -> Result<Success<Status>> {
    if let Some(revision) = query.wait_revision {
        app.catalog.wait_for(revision, PATIENCE).await;
    }
    let snapshot = app.catalog.snapshot();
    // Before the first contact: since the start.
    let lag = app
        .sync
        .lag()
        .unwrap_or_else(|| app.started_at.elapsed().unwrap_or_default());
    let is_there = !app.sync.stale();
    let disabled = app.admin.disabled.at(snapshot.revision, &*app.source, is_there);
    let disabled = disabled.await;
    let status = Status {
        source: app.settings.app.data_source.clone(),
        revision: snapshot.revision,
        lag_ms: u64::try_from(lag.as_millis()).unwrap_or(u64::MAX),
        stale: !is_there,
        ready: app.phase() == Phase::Ready,
        quarantined: snapshot.unusable_count(),
        held_back: app.catalog.compiler().safe_mode().map_or(0, SafeMode::killers),
        disabled,
        definitions: Kind::all()
            .into_iter()
            .map(|kind| (kind.path_segment(), snapshot.ids(kind, None).count()))
            .collect(),
        config: app.config.report(),
        shared_limits: app.shared_limits.as_ref().map(|limits| limits.state().into()),
        tasks: app.tasks.report().into_iter().map(Task::from).collect(),
        started_at: rfc3339(app.started_at),
        version: env!("CARGO_PKG_VERSION"),
    };
    Ok(Success::new(status).revision(Some(snapshot.revision)))
}

/// How the configuration's file is doing.
pub(super) async fn config(State(app): State<Arc<App>>) -> Success<Report> {
    Success::new(app.config.report())
}
