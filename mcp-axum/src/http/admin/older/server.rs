//! A server as those clients write and read it, and the upstream's document that it is.

use crate::{
    app::App,
    http::error::{Error, Result},
};
use mcp_common::{
    definition::{UpstreamDefinition, upstream::UpstreamProtocol},
    discovery::client_file,
    key::{Key, Kind},
};
use mcp_core::{fleet::EndpointStatus, upstream::State};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// What a client says of a server. Members that are not known are passed over.
#[derive(Debug, Deserialize)]
pub(super) struct Server {
    id: Option<String>,
    name: Option<String>,
    description: Option<String>,
    #[serde(
        alias = "endpoint",
        alias = "endpoint_url",
        alias = "server_url",
        alias = "base_url"
    )]
    url: Option<String>,
    command: Option<String>,
    args: Option<Vec<String>>,
    env: Option<Map<String, Value>>,
    headers: Option<Map<String, Value>>,
    tags: Option<Vec<String>>,
    #[serde(alias = "enabled")]
    is_active: Option<bool>,
}

impl Server {
    /// The id that a new one has.
    pub(super) fn id(&self) -> Option<String> {
        match &self.id {
            Some(id) if !id.is_empty() => Some(id.clone()),
            _ => client_file::id_of(self.name.as_deref()?),
        }
    }

    /// The document with what is said here; what is not said stays.
    pub(super) fn document(&self, mut document: Value) -> Result<Value> {
        let members = document
            .as_object_mut()
            .ok_or_else(|| Error::internal("a document that is no object"))?;
        let mut set = |name: &str, value: Option<Value>| {
            if let Some(value) = value {
                members.insert(name.to_owned(), value);
            }
        };
        set("name", self.name.clone().map(Value::from));
        set("description", self.description.clone().map(Value::from));
        set("url", self.url.clone().map(Value::from));
        set("command", self.command.clone().map(Value::from));
        set("args", self.args.clone().map(Value::from));
        set("env", self.env.clone().map(Value::from));
        set("headers", self.headers.clone().map(Value::from));
        set("tags", self.tags.clone().map(Value::from));
        set("enabled", self.is_active.map(Value::from));
        Ok(document)
    }
}

/// All servers, HTTP services, those that are switched off and those that were found as well, by id.
pub(super) fn all(app: &App) -> Vec<Arc<UpstreamDefinition>> {
    let snapshot = app.catalog.snapshot();
    let entries = snapshot
        .documents(Kind::UPSTREAM)
        .into_iter()
        .flat_map(|all| all.values());
    let stored = entries.filter_map(|entry| entry.definition.clone().downcast::<UpstreamDefinition>().ok());
    let is_stored = |id: &str| snapshot.stored_revision(&Key::upstream(id)).is_some();
    let mut all = app.discoveries.board.join(stored.collect(), is_stored);
    all.sort_by(|a, b| a.id.cmp(&b.id));
    all
}

/// One of them, and how it is doing. Credentials are not told.
pub(super) fn told(app: &App, definition: &UpstreamDefinition) -> Value {
    let (status, error, endpoints) = doing(app, definition);
    let inventory = app.hub.offer(&definition.id).and_then(|offer| offer.inventory);
    json!({
        "id": definition.id,
        "name": definition.name.as_deref().unwrap_or(&definition.id),
        "description": definition.description,
        "url": definition.replicas().next().map(|endpoint| endpoint.url.clone()),
        "command": definition.command,
        "args": definition.args,
        "endpoints": endpoints,
        "transport": match definition.protocol {
            UpstreamProtocol::Mcp => definition.transport().as_str(),
            UpstreamProtocol::Http => "http",
        },
        "tags": definition.tags,
        "is_active": definition.enabled,
        "origin": definition.origin,
        "status": status,
        "error": error,
        "tools_count": inventory.map_or(0, |inventory| inventory.tools.len()),
    })
}

/// How it is doing: in their word, why it is not well, and each of its endpoints.
fn doing(app: &App, definition: &UpstreamDefinition) -> (&'static str, Option<String>, Vec<Value>) {
    let id = &*definition.id;
    let (status, error, endpoints) = match definition.protocol {
        UpstreamProtocol::Mcp => {
            let status = app.hub.status(id);
            let word = match status.as_ref().map(|status| status.state) {
                Some(State::Ready) => "connected",
                None | Some(State::Stopped) => "inactive",
                Some(_) => "disconnected",
            };
            (
                word,
                status.and_then(|status| status.last_error),
                app.hub.endpoints(id),
            )
        }
        UpstreamProtocol::Http => {
            let endpoints = app.services.bases.status(id);
            let outage = endpoints.as_deref().and_then(EndpointStatus::outage);
            let word = match (&endpoints, &outage) {
                (None, _) => "inactive",
                (Some(_), Some(_)) => "disconnected",
                (Some(_), None) => "connected",
            };
            (word, outage.map(|outage| outage.error), endpoints)
        }
    };
    let endpoints = endpoints.into_iter().flatten().map(
        |endpoint| json!({"url": endpoint.url, "healthy": endpoint.is_used(), "breaker": endpoint.breaker}),
    );
    (status, error, endpoints.collect())
}
