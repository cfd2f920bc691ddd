//! What load balancers, orchestrators and Prometheus ask. The paths of `app.public_paths` need no key.

use super::{accept, admin, body, error::Error, resource::Resources};
use crate::{
    app::{App, Phase, SharedBody},
    telemetry::metrics::Format,
};
use axum::{
    Extension, Json, Router,
    extract::{RawQuery, Request, State},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::get,
};
use http::{HeaderMap, StatusCode, header};
use mcp_common::authenticator::{Arrival, Principal};
use mcp_core::{fleet::EndpointStatus, policy::Refusal, upstream::State as Connection};
use serde::Serialize;
use serde_json::{Value, json};
use std::sync::Arc;

/// The content type that Prometheus asks for.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
/// Where figures are, which name every tool and instance.
const METRICS: &str = "/metrics";
/// What somebody has to be allowed to read them.
const READS_METRICS: &str = "admin/metrics/read";
/// What everybody else reads.
const PLAIN: &str = "text/plain; version=0.0.4; charset=utf-8";

/// `/healthz`, `/livez`, `/readyz`, `/health`.
pub fn router(app: Arc<App>) -> Router {
    Router::new()
        .route("/healthz", get(healthy))
        .route("/livez", get(alive))
        .route("/readyz", get(ready))
        .route("/health", get(health))
        .layer(middleware::from_fn_with_state(app.clone(), key_unless_public))
        .with_state(app)
}

/// `/metrics`, which is much work with many tools.
pub fn metrics_router(app: Arc<App>) -> Router {
    Router::new()
        .route(METRICS, get(metrics))
        .layer(middleware::from_fn_with_state(app.clone(), key_unless_public))
        .with_state(app)
}

async fn key_unless_public(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    if app.settings.app.public_paths.iter().any(|public| public == path) {
        return next.run(request).await;
    }
    let peer = body::peer(request.extensions());
    // Tokens for the admin API are good here too: the console shows figures.
    let resource = app.resources.as_ref().map(Resources::admin);
    let arrival = Arrival {
        headers: request.headers(),
        resource: resource.as_deref(),
        certificate: peer.certificate(),
    };
    match app.admin.recognise(&app.guard, arrival).await {
        Ok(principal) if path == METRICS && !may_read_metrics(&principal) => {
            let refusal = Refusal::not_allowed(&principal, READS_METRICS);
            admin::refused(&app, request, Error::refused(&refusal, ""), Some(&principal))
        }
        Ok(_) => next.run(request).await,
        Err(denied) => {
            let error = Error::denied(&denied, app.guard.challenge());
            admin::refused(&app, request, error, None)
        }
    }
}

/// A configured key has no roles: it may.
fn may_read_metrics(principal: &Principal) -> bool {
    principal.rights().is_none() || principal.may(READS_METRICS)
}

/// The process answers, and that is all it says.
async fn healthy() -> Json<Value> {
    success(json!("OK"))
}

/// Whether the process should be left alone: 503 once a thread that serves has been stuck for `watchdog.restart_seconds`.
async fn alive(State(app): State<Arc<App>>) -> Result<Json<Value>, Error> {
    let restart_after = app.settings.watchdog.restart_after();
    let stuck = restart_after.map(|patience| app.vitals.stuck(patience));
    match stuck.as_deref() {
        None | Some([]) => Ok(success(json!("OK"))),
        // What it was doing stands in the log: the names of tools are not for everybody.
        Some([first, ..]) => Err(Error::unavailable(format!(
            "{first}; start the gateway anew (watchdog.restart_seconds)"
        ))),
    }
}

/// Whether requests should be sent here. `?strict` also minds a data source that is away and background
/// tasks that failed a moment ago; without it a gateway that
/// can serve from memory stays in rotation.
async fn ready(State(app): State<Arc<App>>, RawQuery(query): RawQuery) -> Result<Json<Value>, Error> {
    let strict = query.is_some_and(|query| {
        query
            .split('&')
            .any(|part| part == "strict" || part.starts_with("strict="))
    });
    match app.phase() {
        Phase::Loading => Err(Error::unavailable("the definitions are not loaded yet")),
        Phase::Draining => Err(Error::unavailable("the gateway is shutting down")),
        Phase::Ready => match trouble(&app).filter(|_| strict) {
            Some(trouble) => Err(Error::unavailable(trouble)),
            None => Ok(success(json!("OK"))),
        },
    }
}

/// What is wrong with a gateway that can serve.
pub(crate) fn trouble(app: &App) -> Option<String> {
    if app.sync.stale() {
        return Some("the data source is away; definitions may be out of date".to_owned());
    }
    let task = app.tasks.in_trouble()?;
    Some(format!(
        "the background task `{task}` failed a moment ago; the log says why"
    ))
}

/// How the gateway and its upstreams are doing, in numbers: names are not for everybody.
#[derive(Debug, Serialize)]
pub(crate) struct Health {
    /// `healthy`; `degraded` while something that it needs is away; `unhealthy` while nothing can be called.
    status: &'static str,
    agent: &'static str,
    version: &'static str,
    uptime_seconds: u64,
    servers: Servers,
    checks: Checks,
}

/// Upstreams that are switched on, without those that are connected to when somebody asks for it, and nobody has.
#[derive(Debug, Serialize)]
struct Servers {
    total: usize,
    ready: usize,
}

#[derive(Debug, Serialize)]
struct Checks {
    definitions: &'static str,
    data_source: &'static str,
    servers: &'static str,
    tasks: &'static str,
}

impl Health {
    pub(crate) fn of(app: &App) -> Self {
        let of_mcp = app.hub.ids().into_iter().filter_map(|id| {
            let (offer, status) = (app.hub.offer(&id)?, app.hub.status(&id)?);
            (!status.rests(&offer.definition)).then_some(status.state)
        });
        let of_mcp: Vec<Connection> = of_mcp.collect();
        let is_ready = |state: &&Connection| **state == Connection::Ready;
        let of_http = app.services.bases.ids();
        let is_used = |id: &&Arc<str>| {
            let endpoints = app.services.bases.status(id).unwrap_or_default();
            endpoints.iter().any(EndpointStatus::is_used)
        };
        let servers = Servers {
            total: of_mcp.len() + of_http.len(),
            ready: of_mcp.iter().filter(is_ready).count() + of_http.iter().filter(is_used).count(),
        };
        let is_serving = app.phase() == Phase::Ready;
        let checks = Checks {
            definitions: if is_serving { "ok" } else { "not ready" },
            data_source: if app.sync.stale() { "away" } else { "ok" },
            servers: match (servers.ready, servers.total) {
                (ready, total) if ready == total => "ok",
                (0, _) => "away",
                _ => "some are away",
            },
            tasks: if app.tasks.in_trouble().is_some() {
                "one failed"
            } else {
                "ok"
            },
        };
        let all = [
            checks.definitions,
            checks.data_source,
            checks.servers,
            checks.tasks,
        ];
        Self {
            status: match all.iter().all(|check| *check == "ok") {
                _ if !is_serving || checks.servers == "away" => "unhealthy",
                true => "healthy",
                false => "degraded",
            },
            agent: "dynmcp",
            version: env!("CARGO_PKG_VERSION"),
            uptime_seconds: app.started_at.elapsed().unwrap_or_default().as_secs(),
            servers,
            checks,
        }
    }
}

/// For those that ask gateways of servers so: 503 where no server can be called though there are some.
async fn health(State(app): State<Arc<App>>) -> impl IntoResponse {
    let health = Health::of(&app);
    let status = match health.status {
        "unhealthy" => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::OK,
    };
    (status, Json(health))
}

async fn metrics(State(app): State<Arc<App>>, headers: HeaderMap) -> Result<impl IntoResponse, Error> {
    let wants_open_metrics = accept::prefers(&headers, "application/openmetrics-text", "text/plain");
    let (format, media_type) = if wants_open_metrics {
        (Format::OpenMetrics, OPEN_METRICS)
    } else {
        (Format::Plain, PLAIN)
    };
    let text = app
        .metrics
        .text(format)
        .await
        .map_err(|error| Error::internal(error.to_string()))?;
    Ok(([(header::CONTENT_TYPE, media_type)], Extension(SharedBody), text))
}

fn success(data: Value) -> Json<Value> {
    Json(json!({"code": 200, "message": "success", "data": data}))
}
