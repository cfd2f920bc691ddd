//! What load balancers, orchestrators and Prometheus ask. The paths of `app.public_paths` need no key.

use super::{accept, error::Error};
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
use http::{HeaderMap, header};
use serde_json::{Value, json};
use std::sync::Arc;

/// The content type that Prometheus asks for.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
/// What everybody else reads.
const PLAIN: &str = "text/plain; version=0.0.4; charset=utf-8";

/// `/healthz`, `/livez`, `/readyz`.
pub fn router(app: Arc<App>) -> Router {
    Router::new()
        .route("/healthz", get(healthy))
        .route("/livez", get(alive))
        .route("/readyz", get(ready))
        .layer(middleware::from_fn_with_state(app.clone(), key_unless_public))
        .with_state(app)
}

/// `/metrics`, which is much work with many tools.
pub fn metrics_router(app: Arc<App>) -> Router {
    Router::new()
        .route("/metrics", get(metrics))
        .layer(middleware::from_fn_with_state(app.clone(), key_unless_public))
        .with_state(app)
}

async fn key_unless_public(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    if app.settings.app.public_paths.iter().any(|public| public == path) {
        return next.run(request).await;
    }
    match app.guard.authenticate(request.headers()).await {
        Ok(_) => next.run(request).await,
        Err(denied) => Error::denied(&denied, app.guard.challenge()).into_response(),
    }
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
