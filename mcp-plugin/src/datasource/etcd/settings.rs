//! The table `data_source.etcd`.

use super::{keyspace::Keyspace, tls};
use mcp_common::{
    byte_size::ByteSize,
    plugin::{PluginError, Settings, Table},
    secret::Secret,
};
use serde_json::Value;
use std::{ops::RangeInclusive, time::Duration};

pub(super) const TABLE: &str = "data_source.etcd";

const KNOWN: [&str; 13] = [
    "endpoints",
    "username",
    "password",
    "ca_file",
    "cert_file",
    "key_file",
    "server_name",
    "prefix",
    "history_prefix",
    "history",
    "max_request_bytes",
    "timeout_ms",
    "keepalive_ms",
];

/// How to reach the cluster, and where in it the definitions are.
#[derive(Clone, Debug)]
pub struct EtcdSettings {
    /// `http://…` or `https://…`, each a member of one cluster.
    pub(super) endpoints: Vec<String>,
    /// Name and password, if the cluster has authentication.
    pub(super) login: Option<(String, Secret)>,
    /// The files read; `None` without TLS.
    pub(super) tls: Option<tls::Files>,
    pub(super) keys: Keyspace,
    /// How many revisions of a key are kept.
    pub(super) history: usize,
    /// What the server takes in one request.
    pub(super) max_request_bytes: usize,
    /// How long to wait for an answer.
    pub(super) timeout: Duration,
    /// How often to ask a quiet connection whether it still lives.
    pub(super) keepalive: Duration,
}

impl EtcdSettings {
    /// Reads the table; only the endpoints have no default.
    pub fn read(settings: &Settings) -> Result<Self, PluginError> {
        Self::read_at(TABLE, settings)
    }

    /// The same of a table at another place.
    pub(super) fn read_at(place: &str, settings: &Settings) -> Result<Self, PluginError> {
        let table = Table::new(place, settings, &KNOWN)?;
        let endpoints = endpoints(&table)?;
        let secure = endpoints.iter().any(|endpoint| endpoint.starts_with("https://"));
        let keys = Keyspace::new(
            table.text("prefix")?.unwrap_or("/dynmcp/"),
            table.text("history_prefix")?.unwrap_or("/dynmcp-history/"),
        );
        let keys = keys.ok_or_else(|| {
            table.wrong(
                "history_prefix",
                "lies in `prefix`, or `prefix` in it; history would be read as definitions, so set one apart",
            )
        })?;
        Ok(Self {
            login: login(&table)?,
            tls: tls::Files::read(&table, secure)?,
            endpoints,
            keys,
            // Bounded, because what a write takes away must fit into its transaction.
            history: table.number("history", 1..=1_000, 20)?,
            max_request_bytes: bytes(&table, "max_request_bytes", 65_536..=1 << 30, 1_572_864)?,
            timeout: Duration::from_millis(table.number("timeout_ms", 100..=60_000, 5_000)?),
            keepalive: Duration::from_millis(table.number("keepalive_ms", 100..=600_000, 10_000)?),
        })
    }
}

/// A number, or a text such as `4MiB`.
fn bytes(
    table: &Table<'_>,
    name: &str,
    range: RangeInclusive<usize>,
    default: usize,
) -> Result<usize, PluginError> {
    let size = match table.get(name) {
        Some(Value::String(text)) => ByteSize::parse(text),
        _ => return table.number(name, range, default),
    };
    size.and_then(|size| usize::try_from(size.0).ok())
        .filter(|size| range.contains(size))
        .ok_or_else(|| {
            let (least, most) = range.into_inner();
            table.wrong(
                name,
                format!("expected a size from {least} to {most} bytes, as a number or a text such as `4MiB`"),
            )
        })
}

fn login(table: &Table<'_>) -> Result<Option<(String, Secret)>, PluginError> {
    match (table.text("username")?, table.text("password")?) {
        (None, None) => Ok(None),
        (Some(name), Some(password)) => Ok(Some((name.to_owned(), password.to_owned().into()))),
        (Some(_), None) => Err(table.wrong("password", "is missing; `username` is set")),
        (None, Some(_)) => Err(table.wrong("username", "is missing; `password` is set")),
    }
}

fn endpoints(table: &Table<'_>) -> Result<Vec<String>, PluginError> {
    let texts: Vec<&str> = match table.get("endpoints") {
        None => Vec::new(),
        Some(Value::String(text)) => text.split(',').collect(),
        Some(Value::Array(values)) => values
            .iter()
            .map(Value::as_str)
            .collect::<Option<_>>()
            .ok_or_else(|| table.wrong("endpoints", "expected a list of texts"))?,
        Some(_) => return Err(table.wrong("endpoints", "expected a list of texts")),
    };
    let texts = texts.into_iter().map(str::trim).filter(|text| !text.is_empty());
    let endpoints = texts
        .map(|text| endpoint(table, text))
        .collect::<Result<Vec<_>, _>>()?;
    if endpoints.is_empty() {
        return Err(table.wrong(
            "endpoints",
            "is empty; name the members of the cluster, such as [\"http://127.0.0.1:2379\"]",
        ));
    }
    Ok(endpoints)
}

/// An endpoint with its scheme, and never with a password, since endpoints are named in logs.
fn endpoint(table: &Table<'_>, text: &str) -> Result<String, PluginError> {
    if text.contains('@') {
        return Err(table.wrong(
            "endpoints",
            "must not contain a user or a password; set `username` and `password`",
        ));
    }
    let url = if text.contains("://") {
        text.to_owned()
    } else {
        format!("http://{text}")
    };
    let wrong = || {
        table.wrong(
            "endpoints",
            format!("`{text}` is not of the form http(s)://host:port"),
        )
    };
    let uri: http::Uri = url.parse().map_err(|_| wrong())?;
    let scheme_fits = matches!(uri.scheme_str(), Some("http" | "https"));
    let bare = uri.path_and_query().is_none_or(|path| path.as_str() == "/");
    if !scheme_fits || !bare || uri.host().is_none_or(str::is_empty) {
        return Err(wrong());
    }
    // A port is not guessed for https, since etcd has none of its own.
    let authority = uri.authority().ok_or_else(wrong)?;
    let port = uri.port_u16().unwrap_or(2379);
    let host = authority.host();
    Ok(format!("{}://{host}:{port}", uri.scheme_str().unwrap_or("http")))
}
