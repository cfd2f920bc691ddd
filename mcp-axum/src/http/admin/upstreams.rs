//! How upstreams are doing (`GET /admin/upstreams`), and what can be done about one: `/admin/uds/{id}/check`, `…/refresh`,
//! `…/restart`, `…/inventory`, `…/logs`, `…/status`.

mod endpoints;

use super::{
    envelope::Success,
    parameters::{Parameters, Target},
};
use crate::{
    app::App,
    http::error::{Error, Result},
    timestamp::rfc3339,
};
use axum::extract::State;
pub(super) use endpoints::{CheckedEndpoint, EndpointState, QueueState};
use http::StatusCode;
use mcp_common::key::Key;
use mcp_core::upstream::{Hub, Inventory, State as Connection, UpstreamError};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::{sync::Arc, time::Instant};
use utoipa::{IntoParams, ToSchema};

/// One upstream.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct UpstreamState {
    /// The upstream's id.
    #[schema(value_type = String, example = "weather")]
    id: Arc<str>,
    /// `mcp` or `http`.
    #[schema(example = "mcp")]
    kind: &'static str,
    /// The discovery that found it; absent where a document defines it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, required = false, nullable = false, example = "lab")]
    origin: Option<Arc<str>>,
    /// Words by which it is found.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<String>)]
    tags: Vec<Arc<str>>,
    /// What it can do, in words of its own.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<String>)]
    capabilities: Vec<Arc<str>>,
    /// Whether it can be called: `connecting`, `ready`, `waiting` or `stopped`.
    #[schema(value_type = String, example = "ready")]
    state: Connection,
    /// The time since when that is so, as RFC 3339; absent for HTTP services, which have no connection of their own.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    since: Option<String>,
    /// How messages travel, as it was found out: `streamable_http`, `sse`, `websocket` or `stdio`; `http` for HTTP services.
    #[schema(example = "streamable_http")]
    transport: &'static str,
    /// The revision that it is spoken to in; absent before the first connection.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "2025-11-25")]
    protocol: Option<&'static str>,
    /// Tools in the last inventory.
    tools: usize,
    /// Resources in the last inventory, without templates.
    resources: usize,
    /// Prompts in the last inventory.
    prompts: usize,
    /// Tools that are not as they were approved, where the definition has a `pin` that is not `off`.
    drifted: usize,
    /// Attempts since it was ready last.
    attempts: u32,
    /// What went wrong last; absent if nothing did since it is ready.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_error: Option<String>,
    /// Whether somebody has to log in to it (`POST /admin/uds/{id}/login`).
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[schema(required = false)]
    login_needed: bool,
    /// Milliseconds until the next attempt.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_attempt_ms: Option<u64>,
    /// Messages and lines that belonged to nothing, since it is connected.
    strays: u64,
    /// Calls that waited for a place; absent where none has.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<QueueState>, required = false, nullable = false)]
    queue: Option<QueueState>,
    /// Its endpoints that are switched on; none where an MCP server has only a `url`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    endpoints: Vec<EndpointState>,
}

/// What a connection of its own came to, or probes of all endpoints of an HTTP service.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct UpstreamCheck {
    /// The revision that was found out; `http` for HTTP services.
    protocol: &'static str,
    /// How long it took until that was known, or until all endpoints were asked, in milliseconds.
    handshake_ms: u64,
    /// How long the lists took, in milliseconds.
    list_ms: u64,
    /// Tools that are listed.
    tools: usize,
    /// Resources that are listed, without templates.
    resources: usize,
    /// Prompts that are listed.
    prompts: usize,
    /// The endpoints of an HTTP service; none of MCP servers.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    endpoints: Vec<CheckedEndpoint>,
}

/// What an upstream offers.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct UpstreamInventory {
    /// It grows with each change.
    epoch: u64,
    /// When it was taken, as RFC 3339.
    #[schema(format = DateTime)]
    at: String,
    /// The revision that the server is spoken to in.
    protocol: &'static str,
    /// What the server says of itself.
    #[schema(value_type = Object)]
    server_info: Option<Box<RawValue>>,
    /// What it tells models.
    instructions: Option<String>,
    /// Its tools, as it lists them.
    #[schema(value_type = Vec<Object>)]
    tools: Vec<Box<RawValue>>,
    /// Its resources, as it lists them.
    #[schema(value_type = Vec<Object>)]
    resources: Vec<Box<RawValue>>,
    /// Templates of more resources, as it lists them.
    #[schema(value_type = Vec<Object>)]
    resource_templates: Vec<Box<RawValue>>,
    /// Its prompts, as it lists them.
    #[schema(value_type = Vec<Object>)]
    prompts: Vec<Box<RawValue>>,
    /// What of its lists is not taken, and why.
    #[schema(value_type = Vec<Object>)]
    skipped: Vec<mcp_core::upstream::Skipped>,
}

/// A line that a program wrote beside messages.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct UpstreamLine {
    /// When it was read, as RFC 3339.
    #[schema(format = DateTime)]
    at: String,
    /// `stderr`, `stdout` for what is no message, `gateway` for what the gateway says about the program.
    from: &'static str,
    /// The line.
    text: String,
}

/// Which of them are wanted.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Searched {
    /// Those that have this capability.
    capability: Option<String>,
    /// Those that have this tag.
    tag: Option<String>,
}

impl Searched {
    fn has(&self, state: &UpstreamState) -> bool {
        let among = |wanted: &Option<String>, words: &[Arc<str>]| {
            wanted
                .as_ref()
                .is_none_or(|wanted| words.iter().any(|word| **word == **wanted))
        };
        among(&self.capability, &state.capabilities) && among(&self.tag, &state.tags)
    }
}

/// All that are switched on.
pub(super) async fn list(
    State(app): State<Arc<App>>,
    Parameters(searched): Parameters<Searched>,
) -> Success<Vec<UpstreamState>> {
    let bases = &app.services.bases;
    let mut ids = [app.hub.ids(), bases.ids()].concat();
    ids.sort_unstable();
    let all = ids.iter().filter_map(|id| any(&app, id));
    Success::new(all.filter(|state| searched.has(state)).collect())
}

/// One of them.
pub(super) async fn status(
    State(app): State<Arc<App>>,
    Target(key): Target,
) -> Result<Success<UpstreamState>> {
    let state = any(&app, &key.id).ok_or_else(|| missing(&app, &key))?;
    Ok(Success::new(state))
}

fn any(app: &App, id: &Arc<str>) -> Option<UpstreamState> {
    state(&app.hub, id).or_else(|| endpoints::service(&app.services.bases, id))
}

/// Connects beside the connection that is in use, and says what came of it. The endpoints of an HTTP service are asked once.
pub(super) async fn check(
    State(app): State<Arc<App>>,
    Target(key): Target,
) -> Result<Success<UpstreamCheck>> {
    if let Some(checked) = endpoints::check(&app, &key).await {
        return checked.map(Success::new);
    }
    let checked = app.hub.check(&key.id).await;
    let checked = checked.ok_or_else(|| missing(&app, &key))?;
    let checked = checked.map_err(|error| failed(&key, &error))?;
    Ok(Success::new(UpstreamCheck {
        protocol: checked.inventory.protocol,
        handshake_ms: millis(checked.handshake),
        list_ms: millis(checked.list),
        tools: checked.inventory.tools.len(),
        resources: checked.inventory.resources.len(),
        prompts: checked.inventory.prompts.len(),
        endpoints: Vec::new(),
    }))
}

/// Takes the lists anew.
pub(super) async fn refresh(
    State(app): State<Arc<App>>,
    Target(key): Target,
) -> Result<Success<UpstreamState>> {
    let done = app.hub.refresh(&key.id).await;
    answered(&app, &key, done)
}

/// Makes a new connection, or starts the program anew.
pub(super) async fn restart(
    State(app): State<Arc<App>>,
    Target(key): Target,
) -> Result<Success<UpstreamState>> {
    let done = app.hub.restart(&key.id).await;
    answered(&app, &key, done)
}

/// What the upstream offered last.
pub(super) async fn inventory(
    State(app): State<Arc<App>>,
    Target(key): Target,
) -> Result<Success<Option<UpstreamInventory>>> {
    let offer = app.hub.offer(&key.id).ok_or_else(|| missing(&app, &key))?;
    Ok(Success::new(offer.inventory.map(|inventory| shown(&inventory))))
}

/// The last lines that the program wrote beside messages.
pub(super) async fn logs(
    State(app): State<Arc<App>>,
    Target(key): Target,
) -> Result<Success<Vec<UpstreamLine>>> {
    let lines = app.hub.logs(&key.id).ok_or_else(|| missing(&app, &key))?;
    let lines = lines.into_iter().map(|line| UpstreamLine {
        at: rfc3339(line.at),
        from: line.from,
        text: line.text,
    });
    Ok(Success::new(lines.collect()))
}

fn shown(inventory: &Inventory) -> UpstreamInventory {
    let listings = |entries: &mut dyn Iterator<Item = &str>| -> Vec<Box<RawValue>> {
        entries
            .filter_map(|entry| RawValue::from_string(entry.to_owned()).ok())
            .collect()
    };
    let templates = inventory.templates.iter().map(|template| &template.listed);
    UpstreamInventory {
        epoch: inventory.epoch,
        at: rfc3339(inventory.at),
        protocol: inventory.protocol,
        server_info: inventory.server_info.clone(),
        instructions: inventory.instructions.clone(),
        tools: listings(&mut inventory.tools.iter().map(|tool| &*tool.listing)),
        resources: listings(&mut inventory.resources.iter().map(|entry| &*entry.listing)),
        resource_templates: listings(&mut templates.map(|entry| &*entry.listing)),
        prompts: listings(&mut inventory.prompts.iter().map(|entry| &*entry.listing)),
        skipped: inventory.skipped.clone(),
    }
}

fn answered(app: &App, key: &Key, done: Option<Result<(), UpstreamError>>) -> Result<Success<UpstreamState>> {
    done.ok_or_else(|| missing(app, key))?
        .map_err(|error| failed(key, &error))?;
    let state = state(&app.hub, &key.id).ok_or_else(|| missing(app, key))?;
    Ok(Success::new(state))
}

fn state(hub: &Hub, id: &Arc<str>) -> Option<UpstreamState> {
    let (offer, status) = (hub.offer(id)?, hub.status(id)?);
    let inventory = offer.inventory.as_ref();
    let until = |at: Instant| millis(at.saturating_duration_since(Instant::now()));
    Some(UpstreamState {
        id: id.clone(),
        kind: "mcp",
        origin: offer.definition.origin.clone(),
        tags: offer.definition.tags.clone(),
        capabilities: offer.definition.capabilities.clone(),
        state: status.state,
        since: Some(rfc3339(status.since)),
        transport: status
            .transport
            .unwrap_or_else(|| offer.definition.transport())
            .as_str(),
        protocol: inventory.map(|inventory| inventory.protocol),
        tools: inventory.map_or(0, |inventory| inventory.tools.len()),
        resources: inventory.map_or(0, |inventory| inventory.resources.len()),
        prompts: inventory.map_or(0, |inventory| inventory.prompts.len()),
        drifted: hub.drifted(id),
        attempts: status.attempts,
        last_error: status.last_error,
        login_needed: hub.login_state(id).is_some_and(|login| login.login_needed),
        next_attempt_ms: status.next_attempt.map(until),
        strays: status.strays,
        queue: hub.queue(id).and_then(QueueState::of),
        endpoints: hub.endpoints(id).into_iter().flatten().map(Into::into).collect(),
    })
}

fn millis(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// There is nothing of this id, or nothing that has what was asked for.
pub(super) fn missing(app: &App, key: &Key) -> Error {
    if app.services.bases.has(&key.id) {
        return Error::conflict(format!(
            "{key} is an HTTP service (`protocol: http`), which has no lists, no connection and no program of its own; `check` asks its endpoints, and `status` \
             says how they are doing"
        ));
    }
    Error::not_found(format!("there is no {key} that is switched on"))
}

/// The upstream is to blame, not who asks.
fn failed(key: &Key, error: &UpstreamError) -> Error {
    Error::new(StatusCode::BAD_GATEWAY, format!("{key}: {error}"))
}
