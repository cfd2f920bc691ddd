//! One table of `[[register]]`.

use crate::settings::AppSettings;
use mcp_common::{
    plugin::{PluginError, Table},
    secret::{ExposeSecret, Secret},
};
use serde_json::{Value, json};
use std::{path::PathBuf, sync::Arc, time::Duration};

/// What all types have.
const COMMON: [&str; 10] = [
    "type",
    "name",
    "address",
    "instance",
    "interval",
    "timeout",
    "tags",
    "capabilities",
    "description",
    "priority",
];
const OF_HTTP: [&str; 4] = ["url", "token", "token_env", "token_file"];
const OF_CONSUL: [&str; 2] = ["id", "ttl"];
const OF_ETCD: [&str; 2] = ["prefix", "ttl"];
/// Longer names and texts are not meant.
const LONGEST_NAME: usize = 128;
const DAY: u64 = 86_400;

/// As whom, and where, the gateway is known.
#[derive(Clone, PartialEq)]
pub(super) struct Entry {
    /// What it is called there.
    pub(super) name: String,
    /// Where others reach it.
    pub(super) address: String,
    pub(super) tags: Vec<Arc<str>>,
    pub(super) capabilities: Vec<Arc<str>>,
    description: Option<String>,
    priority: Option<u32>,
    /// The time between two signs of life.
    pub(super) interval: Duration,
    /// How long one of the place's answers may take.
    pub(super) timeout: Duration,
    pub(super) place: Place,
}

/// Where.
#[derive(Clone, PartialEq)]
pub(super) enum Place {
    /// A gateway with a `[[discovery]]` of the type `registration`, or a registry with the same routes.
    Registry { url: String, token: Token },
    /// The agent of Consul.
    Consul {
        url: String,
        token: Token,
        id: String,
        ttl: Duration,
    },
    /// A key with a lease.
    Etcd {
        /// The settings of the connection.
        connection: Value,
        prefix: String,
        ttl: Duration,
    },
}

/// A credential, or where it is.
#[derive(Clone)]
pub(super) enum Token {
    None,
    Plain(Secret),
    /// Read for each request, so that it can be replaced.
    File(PathBuf),
}

impl PartialEq for Token {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::None, Self::None) => true,
            (Self::Plain(one), Self::Plain(other)) => one.expose_secret() == other.expose_secret(),
            (Self::File(one), Self::File(other)) => one == other,
            _ => false,
        }
    }
}

impl Token {
    fn read(table: &Table<'_>) -> Result<Self, PluginError> {
        let (plain, variable, file) = (
            table.secret("token")?,
            table.text("token_env")?,
            table.text("token_file")?,
        );
        match (plain, variable, file) {
            (None, None, None) => Ok(Self::None),
            (Some(token), None, None) => Ok(Self::Plain(token)),
            (None, Some(name), None) => match std::env::var(name) {
                Ok(token) => Ok(Self::Plain(token.into())),
                Err(_) => Err(table.wrong("token_env", format!("the environment has no variable `{name}`"))),
            },
            (None, None, Some(file)) => Ok(Self::File(file.into())),
            _ => Err(table.wrong("token", "give one of token, token_env and token_file")),
        }
    }

    pub(super) fn find(&self) -> Result<Option<Secret>, String> {
        match self {
            Self::None => Ok(None),
            Self::Plain(token) => Ok(Some(token.clone())),
            Self::File(path) => match std::fs::read_to_string(path) {
                Ok(token) => Ok(Some(token.trim().to_owned().into())),
                Err(error) => Err(format!("token_file: {}: {error}", path.display())),
            },
        }
    }
}

impl Entry {
    /// Reads a table, which stands at this place of the configuration.
    pub(super) fn read(place: &str, settings: &Value, app: &AppSettings) -> Result<Self, PluginError> {
        let kind = settings.get("type").and_then(Value::as_str).unwrap_or_default();
        let own: Vec<&str> = match kind {
            "gateway" => OF_HTTP.to_vec(),
            "consul" => [&OF_HTTP[..], &OF_CONSUL].concat(),
            "etcd" => [&OF_ETCD[..], etcd_settings()].concat(),
            _ => {
                return Err(PluginError::Setting {
                    key: format!("{place}.type"),
                    reason: format!(
                        "must be gateway, consul{}",
                        if has_etcd() { " or etcd" } else { "" }
                    ),
                });
            }
        };
        let table = Table::new(place, settings, &[&COMMON[..], &own].concat())?;
        let instance = table.text("instance")?.or(app.default_instance.as_deref());
        let address = match table.text("address")? {
            Some(address) => address.to_owned(),
            None => match (&app.public_url, instance) {
                (Some(url), Some(instance)) => format!("{url}/mcp/{instance}"),
                _ => {
                    let reason = "is missing: the URL at which others reach an instance of this gateway; or give `instance`, and app.public_url";
                    return Err(table.wrong("address", reason));
                }
            },
        };
        web_address(&address).map_err(|reason| table.wrong("address", reason))?;
        let Some(name) = table.text("name")?.or(instance) else {
            return Err(table.wrong("name", "is missing: what this gateway is called there"));
        };
        if name.len() > LONGEST_NAME {
            return Err(table.wrong("name", format!("has more than {LONGEST_NAME} bytes")));
        }
        let seconds = |name: &str, range, usual: u64| table.number(name, range, usual);
        let ttl = match kind {
            "gateway" => 30,
            _ => seconds("ttl", 3..=DAY, 30)?,
        };
        let interval = seconds("interval", 1..=DAY, (ttl / 3).max(1))?;
        if kind != "gateway" && interval >= ttl {
            return Err(table.wrong("interval", format!("must be less than the ttl, which is {ttl}")));
        }
        let priority = match table.get("priority") {
            None => None,
            Some(_) => Some(table.number("priority", 0..=u32::MAX, 0)?),
        };
        Ok(Self {
            name: name.to_owned(),
            tags: table.words("tags")?,
            capabilities: table.words("capabilities")?,
            description: table.text("description")?.map(ToOwned::to_owned),
            priority,
            interval: Duration::from_secs(interval),
            timeout: Duration::from_secs(seconds("timeout", 1..=60, 5)?),
            place: place_of(&table, (place, kind), settings, (&address, name, ttl))?,
            address,
        })
    }

    /// What is said of it, as registries have it.
    pub(super) fn document(&self) -> Value {
        let mut document = json!({"name": self.name, "url": self.address, "tags": self.tags, "capabilities": self.capabilities});
        if let Some(description) = &self.description {
            document["description"] = description.as_str().into();
        }
        if let Some(priority) = self.priority {
            document["priority"] = priority.into();
        }
        document
    }

    /// How the place is called in logs and metrics.
    pub(super) fn registry(&self) -> String {
        match &self.place {
            Place::Registry { url, .. } | Place::Consul { url, .. } => {
                let authority = url.parse::<http::Uri>().ok();
                let authority = authority.and_then(|uri| Some(uri.authority()?.to_string()));
                authority.unwrap_or_default()
            }
            Place::Etcd { .. } => "etcd".to_owned(),
        }
    }
}

fn place_of(
    table: &Table<'_>,
    (at, kind): (&str, &str),
    settings: &Value,
    (address, name, ttl): (&str, &str, u64),
) -> Result<Place, PluginError> {
    if kind == "etcd" {
        let members = settings.as_object().into_iter().flatten();
        let connection = members.filter(|(name, _)| etcd_settings().contains(&name.as_str()));
        let connection = Value::Object(
            connection
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect(),
        );
        check_etcd(at, &connection)?;
        return Ok(Place::Etcd {
            connection,
            prefix: table.text("prefix")?.unwrap_or("mcp:").to_owned(),
            ttl: Duration::from_secs(ttl),
        });
    }
    let usual = (kind == "consul").then_some("http://127.0.0.1:8500");
    let Some(url) = table.text("url")?.or(usual) else {
        return Err(table.wrong(
            "url",
            "is missing: where the registry is, such as \"https://registry.example.com\"",
        ));
    };
    web_address(url).map_err(|reason| table.wrong("url", reason))?;
    let (url, token) = (url.trim_end_matches('/').to_owned(), Token::read(table)?);
    if kind == "gateway" {
        return Ok(Place::Registry { url, token });
    }
    let id = match table.text("id")? {
        Some(id) => id.to_owned(),
        // Instances of one service are told apart by where they are.
        None => {
            let authority = address.parse::<http::Uri>().ok();
            let authority = authority.and_then(|uri| Some(uri.authority()?.as_str().replace(':', "-")));
            format!("{name}-{}", authority.unwrap_or_default())
        }
    };
    Ok(Place::Consul {
        url,
        token,
        id,
        ttl: Duration::from_secs(ttl),
    })
}

fn web_address(url: &str) -> Result<(), &'static str> {
    let uri = url.parse::<http::Uri>().ok();
    let is_web = uri.is_some_and(|uri| {
        matches!(uri.scheme_str(), Some("http" | "https"))
            && uri
                .authority()
                .is_some_and(|authority| !authority.as_str().contains('@'))
    });
    match is_web {
        true => Ok(()),
        false => Err("is no URL; write \"https://HOST/PATH\", without credentials"),
    }
}

#[cfg(feature = "etcd")]
fn etcd_settings() -> &'static [&'static str] {
    &mcp_plugin::datasource::etcd::OF_CONNECTION
}

#[cfg(feature = "etcd")]
fn check_etcd(place: &str, connection: &Value) -> Result<(), PluginError> {
    mcp_plugin::datasource::etcd::EtcdAnnouncement::check(place, connection)
}

#[cfg(not(feature = "etcd"))]
fn etcd_settings() -> &'static [&'static str] {
    &[]
}

#[cfg(not(feature = "etcd"))]
fn check_etcd(place: &str, _: &Value) -> Result<(), PluginError> {
    Err(PluginError::Setting {
        key: format!("{place}.type"),
        reason: "this gateway was built without etcd".to_owned(),
    })
}

fn has_etcd() -> bool {
    cfg!(feature = "etcd")
}
