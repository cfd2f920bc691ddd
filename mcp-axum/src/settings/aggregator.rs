//! The configuration file of the aggregator Only1MCP, read as it is: what it says of the gateway becomes keys of the configuration, its servers become upstreams.
//! What has no meaning here is named.

mod groups;
mod health;
mod keys;
mod own;
mod part;
mod server;

use super::SettingsError;
use groups::group;
use mcp_common::{bounds::Bounds, definition::UpstreamDefinition, document::Document};
pub(crate) use own::own;
use part::Part;
use serde_json::{Map, Value};
use server::Server;
use std::{collections::HashMap, path::Path};

/// The instance that shows all servers of the file, at `/mcp`.
const INSTANCE: &str = "only1mcp";

/// An upstream that the configuration has.
#[derive(Clone, Debug, PartialEq)]
pub struct ConfiguredUpstream {
    /// Its id.
    pub id: String,
    /// Its document, as the admin API would take it.
    pub document: Value,
}

/// What a file says, in words of this gateway.
#[derive(Debug, Default)]
pub(super) struct Translated {
    /// Keys of the configuration.
    pub(super) settings: Map<String, Value>,
    pub(super) upstreams: Vec<ConfiguredUpstream>,
    /// Commands that are started.
    pub(super) commands: Vec<String>,
    /// Variables of the environment that documents refer to.
    pub(super) variables: Vec<String>,
    /// Whether callers need no key.
    pub(super) is_open: bool,
    /// What has no effect.
    pub(super) notes: Vec<String>,
    /// What cannot be meant.
    pub(super) problems: Vec<SettingsError>,
}

/// Whether a file is one of these: YAML, or TOML with servers.
pub(super) fn is_meant(file: &Path, text: &str) -> bool {
    if is_yaml(file) {
        return true;
    }
    let table: Option<toml::Table> = text.parse().ok();
    table.is_some_and(|table| table.get("servers").is_some_and(toml::Value::is_array))
}

pub(super) fn is_yaml(file: &Path) -> bool {
    let extension = file.extension().and_then(|extension| extension.to_str());
    extension.is_some_and(|extension| matches!(extension, "yaml" | "yml"))
}

/// What of such a file the gateway has to know beside its own keys.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Aggregated {
    /// The servers.
    pub upstreams: Vec<ConfiguredUpstream>,
    /// Whether callers need no key.
    pub is_open: bool,
    /// What has no effect.
    pub notes: Vec<String>,
}

impl Translated {
    /// Keys of the configuration, as a file has them.
    pub(super) fn as_toml(&self, file: &Path) -> Result<String, SettingsError> {
        toml::to_string(&self.settings).map_err(|error| SettingsError::Syntax {
            file: file.display().to_string(),
            reason: format!("cannot be a configuration of the gateway: {error}"),
        })
    }

    pub(super) fn aggregated(self) -> (Aggregated, Vec<SettingsError>) {
        let aggregated = Aggregated {
            upstreams: self.upstreams,
            is_open: self.is_open,
            notes: self.notes,
        };
        (aggregated, self.problems)
    }
}

/// How such a file calls a key.
pub(crate) fn written_as(key: &str) -> String {
    match key {
        "app.host" => "server.host".to_owned(),
        "app.port" => "server.port".to_owned(),
        "app.workers" => "server.worker_threads".to_owned(),
        "app.max_connections" => "server.max_connections".to_owned(),
        "app.tls.certificate" => "server.tls.cert_path".to_owned(),
        "app.tls.key" => "server.tls.key_path".to_owned(),
        other => other.to_owned(),
    }
}

/// What of the documents no upstream can have.
fn check(translated: &mut Translated) {
    for upstream in &translated.upstreams {
        let document =
            Document::parse(upstream.document.to_string().as_bytes()).map_err(|problem| problem.to_string());
        let read = document.and_then(|document| {
            let read = UpstreamDefinition::read(&upstream.id, &document);
            read.map(drop).map_err(|problems| problems.to_string())
        });
        if let Err(reason) = read {
            let key = format!("servers (server `{}`)", upstream.id);
            translated.problems.push(SettingsError::value(key, reason));
        }
    }
}

/// Variables are `${NAME}`, of this environment.
pub(super) fn read(
    file: &Path,
    text: &str,
    environment: &HashMap<String, String>,
) -> Result<Translated, SettingsError> {
    let value = parse(file, text)?;
    let mut translated = Translated::default();
    let mut root = Part::root(value, environment);
    keys::translate(&mut root, &mut translated);
    let balance = keys::balance(&mut root, &mut translated);
    let usual_check = health::read(&mut root, &mut translated);
    let mut servers = Vec::new();
    for (number, value) in root.list("servers", &mut translated).into_iter().enumerate() {
        let mut part = Part::item(value, "servers", number, environment);
        if let Some(server) = Server::read(&mut part, usual_check.as_ref(), &mut translated) {
            servers.push(server);
        }
        part.rest(&mut translated);
    }
    root.rest(&mut translated);
    translated.upstreams = group(servers, &balance, &mut translated);
    keys::allow(&mut translated);
    check(&mut translated);
    Ok(translated)
}

fn parse(file: &Path, text: &str) -> Result<Value, SettingsError> {
    let value = if is_yaml(file) {
        yaml(file, text)?
    } else {
        // Read once already by whoever asked what it is.
        let table: toml::Table = text.parse().unwrap_or_default();
        serde_json::to_value(table).unwrap_or_default()
    };
    match value {
        Value::Object(_) => Ok(value),
        _ => Err(SettingsError::Syntax {
            file: file.display().to_string(),
            reason: "the configuration of an aggregator is a mapping with `servers`".to_owned(),
        }),
    }
}

/// What a YAML file says, or where it is none.
pub(super) fn yaml(file: &Path, text: &str) -> Result<Value, SettingsError> {
    let name = file.display();
    mcp_core::authoring::import::yaml_value(text, &Bounds::default()).map_err(|reason| {
        // The place stands at the end of the reason.
        let line = reason
            .rsplit_once(" at line ")
            .and_then(|(_, place)| place.split(' ').next());
        SettingsError::Syntax {
            file: line.map_or_else(|| name.to_string(), |line| format!("{name}:{line}")),
            reason: reason.clone(),
        }
    })
}
