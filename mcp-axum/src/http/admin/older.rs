//! The doors of server managers that were there before: `/api/v1/mcp/servers` and `/api/v1/admin/…`. Each is the admin API in other words, with the same rights
//! and the same record.

mod execute;
mod server;

use super::{access, parameters};
use crate::{
    app::{App, Phase},
    http::{
        body,
        error::{Error, Result},
    },
    telemetry::metrics::Format,
    timestamp::rfc3339,
};
use axum::{
    Extension, Json, Router,
    extract::{Path, Request, State},
    middleware::{from_fn, from_fn_with_state},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use http::{StatusCode, header};
use mcp_common::{authenticator::Principal, definition::name::check_id, document::Document, key::Key};
use mcp_core::authoring::{
    stored_form::stored_form,
    writer::{Delete, Expectation, Put},
};
use serde_json::{Value, json};
use server::{Server, all, told};
use std::sync::Arc;

/// Paths, and what of `/admin` they stand for, with what is below them: the rights are those of that.
pub(super) const PLACES: [(&str, &str); 6] = [
    ("/api/v1/mcp/servers", "/uds"),
    ("/api/v1/admin/servers", "/uds"),
    ("/api/v1/admin/tools", "/tds"),
    ("/api/v1/admin/health", "/status"),
    ("/api/v1/admin/system", "/status"),
    ("/api/v1/admin/metrics", "/metrics"),
];

/// What lets somebody see what servers offer.
const SEES_SERVERS: &str = "admin/uds/read";

/// The routes.
pub(super) fn router(app: &Arc<App>) -> Router<Arc<App>> {
    Router::new()
        .route("/api/v1/mcp/servers", get(list).post(create))
        .route("/api/v1/mcp/servers/{id}", get(show).put(change).delete(remove))
        .route(
            "/api/v1/mcp/servers/{id}/tools/{tool}/execute",
            post(execute::run),
        )
        .route("/api/v1/admin/servers", get(list))
        .route("/api/v1/admin/tools", get(tools))
        .route_layer(from_fn_with_state(app.clone(), access::loaded))
        .route("/api/v1/admin/health", get(health))
        .route("/api/v1/admin/system", get(system))
        .route("/api/v1/admin/metrics", get(metrics))
        .method_not_allowed_fallback(crate::http::manners::method_not_allowed)
        .layer(from_fn(parameters::none))
        .layer(from_fn_with_state(app.clone(), access::enter))
}

async fn list(State(app): State<Arc<App>>) -> Json<Value> {
    let servers: Vec<_> = all(&app)
        .iter()
        .map(|definition| told(&app, definition))
        .collect();
    Json(json!({"total": servers.len(), "servers": servers}))
}

async fn show(State(app): State<Arc<App>>, Path(id): Path<String>) -> Result<Json<Value>> {
    let found = all(&app).into_iter().find(|definition| *definition.id == *id);
    let definition = found.ok_or_else(|| missing(&id))?;
    Ok(Json(told(&app, &definition)))
}

async fn create(
    State(app): State<Arc<App>>,
    Extension(principal): Extension<Principal>,
    request: Request,
) -> Result<Response> {
    let said = read(&app, request).await?;
    let id = said
        .id()
        .ok_or_else(|| Error::bad_request("name: is missing, or nothing of it can be an id"))?;
    let key = Key::upstream(id.clone());
    let document = said.document(json!({"id": id}))?;
    if app.catalog.snapshot().stored_revision(&key).is_some() {
        return Err(Error::conflict(format!(
            "there is a server `{id}` already; change it with PUT"
        )));
    }
    store(&app, &key, &document, Expectation::Absent, &principal).await?;
    Ok((StatusCode::CREATED, show(State(app), Path(id)).await?).into_response())
}

async fn change(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    Extension(principal): Extension<Principal>,
    request: Request,
) -> Result<Json<Value>> {
    check_id(&id)?;
    let said = read(&app, request).await?;
    let key = Key::upstream(id.clone());
    let snapshot = app.catalog.snapshot();
    let entry = snapshot.find(&key).ok_or_else(|| missing(&id))?;
    let stored: Value =
        serde_json::from_str(entry.document.as_json()).map_err(|error| Error::internal(error.to_string()))?;
    let document = said.document(stored)?;
    store(
        &app,
        &key,
        &document,
        Expectation::Revision(entry.revision),
        &principal,
    )
    .await?;
    show(State(app), Path(id)).await
}

async fn remove(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    Extension(principal): Extension<Principal>,
) -> Result<StatusCode> {
    check_id(&id)?;
    let key = Key::upstream(id.clone());
    let deleted = app.admin.writer.delete(Delete {
        key: &key,
        expectation: Expectation::Any,
        dry_run: false,
        keep_admin: false,
        principal: &principal.subject,
    });
    match deleted.await?.revision {
        Some(_) => Ok(StatusCode::NO_CONTENT),
        None => Err(missing(&id)),
    }
}

async fn read(app: &App, request: Request) -> Result<Server> {
    let (parts, body) = request.into_parts();
    let most = app.settings.app.max_body_bytes.as_usize();
    let body = body::read(body, &parts.extensions, most, body::PATIENCE).await?;
    body::object(&body).map_err(|reason| Error::bad_request(format!("the body is no server: {reason}")))
}

async fn store(
    app: &App,
    key: &Key,
    document: &Value,
    expectation: Expectation,
    principal: &Principal,
) -> Result<()> {
    let document: Document = stored_form(key, document.to_string().as_bytes())?;
    let put = Put {
        key,
        document: &document,
        expectation,
        strict: false,
        dry_run: false,
        keep_admin: false,
        warnings: Vec::new(),
        principal: &principal.subject,
    };
    app.admin.writer.put(put).await?;
    Ok(())
}

fn missing(id: &str) -> Error {
    Error::not_found(format!("there is no server `{id}`"))
}

/// All tools with definitions, and those of servers for whoever may see what these offer.
async fn tools(State(app): State<Arc<App>>, Extension(principal): Extension<Principal>) -> Json<Value> {
    let snapshot = app.catalog.snapshot();
    let own = snapshot
        .tools
        .values()
        .map(|entry| json!({"id": entry.id, "name": entry.name, "server": null, "enabled": entry.enabled}));
    let mut tools: Vec<Value> = own.collect();
    let servers = if principal.may(SEES_SERVERS) {
        app.hub.ids()
    } else {
        Vec::new()
    };
    for id in servers {
        let offer = app.hub.offer(&id);
        let of_server = offer.iter().flat_map(|offer| offer.tools());
        tools.extend(
            of_server.map(|tool| json!({"id": tool.id(), "name": tool.name, "server": id, "enabled": true})),
        );
    }
    Json(json!({"total": tools.len(), "tools": tools}))
}

async fn health(State(app): State<Arc<App>>) -> Json<Value> {
    let health = crate::http::health::Health::of(&app);
    Json(json!(health))
}

async fn system(State(app): State<Arc<App>>) -> Json<Value> {
    let snapshot = app.catalog.snapshot();
    Json(json!({
        "version": env!("CARGO_PKG_VERSION"),
        "started_at": rfc3339(app.started_at),
        "uptime_seconds": app.started_at.elapsed().unwrap_or_default().as_secs(),
        "ready": app.phase() == Phase::Ready,
        "data_source": app.settings.app.data_source,
        "revision": snapshot.revision,
        "connections": app.metrics.connections.get(),
        "memory_in_flight_bytes": app.memory_in_flight(),
        "tasks": app.tasks.report().iter().map(|task| (task.name, task.running)).collect::<std::collections::BTreeMap<_, _>>(),
    }))
}

async fn metrics(State(app): State<Arc<App>>) -> Result<impl IntoResponse> {
    let text = app.metrics.text(Format::Plain).await;
    let text = text.map_err(|error| Error::internal(error.to_string()))?;
    Ok((
        [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")],
        text,
    ))
}
