//! Servers that announce themselves: `POST /api/register`, `DELETE /api/servers/{name}`, `POST /api/servers/{name}/heartbeat`, `GET /api/discover`,
//! `GET /api/servers/{name}`, `GET /api/status`. There only where the configuration has a `[[discovery]]` of this type.
//!
//! Who may do what is a matter of names: `register/NAME` in rules of roles. Whoever may read upstreams sees all of them.

mod answer;
mod door;

use super::parameters::{self, Parameters};
use crate::{
    app::App,
    http::{
        body,
        error::{Error, Result},
    },
};
use answer::{Discovered, ServerState, Summary};
use axum::{
    Json, Router,
    extract::{Path, Request, State},
    middleware::{from_fn, from_fn_with_state},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use door::Caller;
use http::{StatusCode, header, request::Parts};
use mcp_common::{
    discovery::{NotRegistered, Registration, Registry},
    key::Key,
};
use serde::Deserialize;
use serde_json::json;
use std::sync::Arc;

/// What a server says of itself is short.
const LARGEST: usize = 64 << 10;

/// The routes, or none.
pub(super) fn router(app: &Arc<App>) -> Router<Arc<App>> {
    if app.discoveries.registry.is_none() {
        return Router::new();
    }
    Router::new()
        .route("/api/register", post(register))
        .route("/api/servers/{name}", get(show).delete(unregister))
        .route("/api/servers/{name}/heartbeat", post(heartbeat))
        .route("/api/discover", get(discover))
        .route("/api/status", get(status))
        .method_not_allowed_fallback(crate::http::manners::method_not_allowed)
        .layer(from_fn(parameters::none))
        .layer(from_fn_with_state(app.clone(), door::enter))
}

fn registry(app: &App) -> Result<(&Arc<Registry>, usize)> {
    let registry = app.discoveries.registry.as_ref();
    let (registry, place) = registry.ok_or_else(|| Error::internal("a route without its registry"))?;
    Ok((registry, *place))
}

async fn register(State(app): State<Arc<App>>, caller: Caller, request: Request) -> Result<Response> {
    let (parts, body) = request.into_parts();
    let body = body::read(body, &parts.extensions, LARGEST, body::PATIENCE).await;
    let body = body.map_err(|error| match error.status() {
        StatusCode::PAYLOAD_TOO_LARGE => {
            error.with_message(format!("a registration has at most {LARGEST} bytes"))
        }
        _ => error,
    })?;
    let registration: Registration = body::object(&body)
        .map_err(|reason| Error::bad_request(format!("the body is no registration: {reason}")))?;
    let mut permit = caller.admit(&app, &parts, &registration.name)?;
    let (registry, place) = registry(&app)?;
    let board = &app.discoveries.board;
    let check = |id: &str, registration: &Registration| {
        let (document, _) = registration.document(id);
        board.examine(place, id, document)
    };
    let (owner, may_take) = caller.owner();
    let mut done = registry
        .register(registration.clone(), owner, may_take, check)
        .map_err(|reason| permit.refused(refused(reason)))?;
    let mut settled = registry.settle(&registration.name, &done.entry.owner).await;
    if settled.is_err() && may_take {
        // Another replica had it for somebody else, whose it stays.
        done = registry
            .register(registration.clone(), owner, may_take, check)
            .map_err(|reason| permit.refused(refused(reason)))?;
        settled = registry.settle(&registration.name, &done.entry.owner).await;
    }
    keep(registry).await;
    settled.map_err(|reason| permit.refused(refused(reason)))?;
    let status = if done.is_new {
        StatusCode::CREATED
    } else {
        StatusCode::OK
    };
    permit.done(status);
    let word = if done.is_new { "registered" } else { "updated" };
    let stale_after = registry.stale_after().as_secs();
    let notes = notes(&app, &done.entry.id, &done.entry.registration);
    let answer = json!({
        "status": word,
        "message": format!("{} is {word}", done.entry.registration.name),
        "notes": notes,
        "server": ServerState::of(&app, done.entry),
        "stale_after": stale_after,
        "heartbeat_interval": (stale_after / 3).max(1),
    });
    Ok((status, Json(answer)).into_response())
}

/// What of it does not become what its server may expect.
fn notes(app: &App, id: &str, registration: &Registration) -> Vec<String> {
    let (_, note) = registration.document(id);
    let is_stored = app
        .catalog
        .snapshot()
        .stored_revision(&Key::upstream(id))
        .is_some();
    let hidden =
        is_stored.then(|| format!("it is not used while there is a stored upstream with its id, `{id}`"));
    hidden.into_iter().chain(note).collect()
}

async fn unregister(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(name): Path<String>,
    parts: Parts,
) -> Result<Response> {
    let mut permit = caller.admit(&app, &parts, &name)?;
    let (registry, _) = registry(&app)?;
    let (owner, may_take) = caller.owner();
    know(registry, &name).await;
    registry
        .unregister(&name, owner, may_take)
        .map_err(|reason| permit.refused(refused(reason)))?;
    // What is not registered any more is nobody's.
    let _ = registry.settle(&name, owner).await;
    keep(registry).await;
    permit.done(StatusCode::OK);
    Ok(
        Json(json!({"status": "unregistered", "message": format!("{name} is unregistered"), "name": name}))
            .into_response(),
    )
}

async fn heartbeat(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(name): Path<String>,
    parts: Parts,
) -> Result<Response> {
    let mut permit = caller.admit(&app, &parts, &name)?;
    let (registry, _) = registry(&app)?;
    let (owner, may_take) = caller.owner();
    know(registry, &name).await;
    let entry = registry
        .heartbeat(&name, owner, may_take)
        .map_err(|reason| permit.refused(refused(reason)))?;
    permit.done(StatusCode::OK);
    let state = ServerState::of(&app, entry);
    Ok(Json(json!({"status": "ok", "name": name, "last_seen": state.last_seen, "stale_after": registry.stale_after().as_secs()})).into_response())
}

/// Which servers are wanted.
#[derive(Debug, Default, Deserialize)]
struct Wanted {
    /// Those that have any of these, with commas between.
    tags: Option<String>,
}

async fn discover(
    State(app): State<Arc<App>>,
    caller: Caller,
    Parameters(wanted): Parameters<Wanted>,
) -> Result<Json<Discovered>> {
    let (registry, _) = registry(&app)?;
    let tags: Vec<&str> = wanted
        .tags
        .as_deref()
        .unwrap_or_default()
        .split(',')
        .map(str::trim)
        .collect();
    let is_wanted = |tag: &String| tags.contains(&&**tag);
    let has_tag = |own: &[String]| wanted.tags.is_none() || own.iter().any(is_wanted);
    let all = registry.all().into_iter();
    let servers = all
        .filter(|entry| !entry.is_stale && has_tag(&entry.registration.tags))
        .filter(|entry| caller.may_see(&entry.registration.name));
    let servers: Vec<_> = servers.map(|entry| ServerState::of(&app, entry)).collect();
    Ok(Json(Discovered {
        count: servers.len(),
        servers,
    }))
}

async fn show(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(name): Path<String>,
) -> Result<Json<ServerState>> {
    let (registry, _) = registry(&app)?;
    know(registry, &name).await;
    // Who may not see it does not learn whether it is there.
    let found = registry.find(&name).filter(|_| caller.may_see(&name));
    let entry = found.ok_or_else(|| refused(NotRegistered::Unknown(name)))?;
    Ok(Json(ServerState::of(&app, entry)))
}

async fn status(State(app): State<Arc<App>>, caller: Caller) -> Result<Json<Summary>> {
    let (registry, _) = registry(&app)?;
    let all = registry.all();
    let seen: Vec<_> = all
        .iter()
        .filter(|entry| caller.may_see(&entry.registration.name))
        .collect();
    let stale = seen.iter().filter(|entry| entry.is_stale).count();
    Ok(Json(Summary {
        status: "running",
        servers: seen.len(),
        active: seen.len() - stale,
        stale,
        stale_after: registry.stale_after().as_secs(),
        shared: registry.is_shared(),
        uptime_seconds: app.started_at.elapsed().unwrap_or_default().as_secs(),
    }))
}

/// A server that is not known here may have registered at another replica a moment ago.
async fn know(registry: &Registry, name: &str) {
    if registry.find(name).is_none() {
        registry.catch_up().await;
    }
}

/// What was answered outlives a restart. A disk that is full refuses nobody.
async fn keep(registry: &Arc<Registry>) {
    let registry = registry.clone();
    if let Ok(Err(error)) = tokio::task::spawn_blocking(move || registry.keep()).await {
        tracing::error!(%error);
    }
}

fn refused(reason: NotRegistered) -> Error {
    let text = reason.to_string();
    match reason {
        NotRegistered::Invalid(_) => Error::bad_request(text),
        NotRegistered::Taken(_) => Error::conflict(text),
        NotRegistered::Unknown(_) => Error::not_found(text),
        NotRegistered::Full(_) => Error::new(StatusCode::INSUFFICIENT_STORAGE, text),
        NotRegistered::TooOften(wait) => Error::new(StatusCode::TOO_MANY_REQUESTS, text)
            .with_header(header::RETRY_AFTER, wait.as_secs().max(1).into()),
    }
}
