//! The sections of the configuration. Their defaults are in `config/default.toml`, nowhere else.

use super::{AuditSinkSettings, AutoSize, List};
use http::HeaderValue;
use mcp_common::byte_size::ByteSize;
use mcp_common::{definition::tool::OnMismatch, secret::Secret};
use serde::{Deserialize, Deserializer, Serialize};
use std::{net::IpAddr, path::PathBuf, time::Duration};

/// `[app]`: the gateway as a whole.
#[derive(Clone, Serialize, Deserialize)]
pub struct AppSettings {
    /// Name or address to listen on.
    pub host: String,
    /// The port to listen on, 0 for any free one.
    pub port: u16,
    /// The URL by which clients reach the gateway.
    #[serde(deserialize_with = "unset_if_empty", serialize_with = "empty_if_unset")]
    pub public_url: Option<String>,
    /// Name of the plugin.
    pub data_source: String,
    /// The folder where the gateway keeps what is its own.
    pub data_dir: PathBuf,
    /// Whether to serve what was known last while the data source is away at the start.
    pub start_from_snapshot: bool,
    /// The admin key, if the operator chose one.
    #[serde(
        deserialize_with = "unset_if_empty_secret",
        serialize_with = "super::display::secret"
    )]
    pub api_key: Option<Secret>,
    /// Names of the plugins, in the order in which they are asked.
    pub authenticators: List,
    /// Host names that `/mcp` answers to.
    pub allowed_hosts: List,
    /// Origins that may call `/mcp`.
    pub allowed_origins: List,
    /// The instance that `/mcp` is.
    #[serde(deserialize_with = "unset_if_empty", serialize_with = "empty_if_unset")]
    pub default_instance: Option<String>,
    /// Origins that get CORS headers.
    pub cors_origins: List,
    /// Whether answers are compressed for clients that ask for it.
    pub compression: bool,
    /// Largest request body.
    pub max_body_bytes: ByteSize,
    /// Paths that need no key.
    pub public_paths: List,
    /// Data-plane threads, 0 for one per CPU.
    pub workers: usize,
    /// Client connections at once.
    pub max_connections: u32,
    /// The most connections of one address, 0 for a quarter of all.
    pub max_connections_per_client: u32,
    /// Addresses that stand for many clients.
    pub front_proxies: List,
    /// Memory of what is in flight.
    pub memory_budget: AutoSize,
    /// Memory of tools that are kept compiled.
    pub compiled_memory: AutoSize,
    /// How long a client may do nothing where it is its turn.
    pub client_timeout_seconds: u64,
    /// The address to listen on for operators.
    #[serde(deserialize_with = "unset_if_empty", serialize_with = "empty_if_unset")]
    pub admin_listen: Option<String>,
    /// TLS for whoever connects.
    pub tls: TlsSettings,
    /// Bound of a graceful stop.
    pub drain_seconds: u64,
    /// A response header with the catalog's revision.
    #[serde(deserialize_with = "unset_if_empty", serialize_with = "empty_if_unset")]
    pub config_revision_header: Option<String>,
}

impl AppSettings {
    /// How many data-plane threads there will be.
    pub fn worker_count(&self) -> usize {
        match self.workers {
            0 => std::thread::available_parallelism().map_or(1, usize::from),
            chosen => chosen,
        }
    }

    /// Whether only this machine can connect.
    pub fn bound_to_loopback(&self) -> bool {
        let name = self.host.trim_start_matches('[').trim_end_matches(']');
        name.eq_ignore_ascii_case("localhost") || name.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
    }

    /// Host and port of `app.admin_listen`.
    pub fn admin_address(&self) -> Option<(&str, u16)> {
        let (host, port) = self.admin_listen.as_deref()?.rsplit_once(':')?;
        // Checked when the settings were read.
        Some((host, port.parse().ok()?))
    }

    /// Client connections of one address.
    pub fn connections_per_client(&self) -> u32 {
        part(self.max_connections_per_client, self.max_connections)
    }

    /// How long a client may do nothing where it is its turn.
    pub fn client_patience(&self) -> Duration {
        Duration::from_secs(self.client_timeout_seconds)
    }

    /// Bound of a graceful stop.
    pub fn drain_deadline(&self) -> Duration {
        Duration::from_secs(self.drain_seconds)
    }
}

/// `[app.tls]`: what connections are opened with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TlsSettings {
    /// A file with the certificate and those between it and an authority.
    #[serde(deserialize_with = "unset_if_empty", serialize_with = "empty_if_unset")]
    pub certificate: Option<String>,
    /// A file with its private key.
    #[serde(deserialize_with = "unset_if_empty", serialize_with = "empty_if_unset")]
    pub key: Option<String>,
    /// A file with the authorities that sign certificates of clients.
    #[serde(deserialize_with = "unset_if_empty", serialize_with = "empty_if_unset")]
    pub client_authorities: Option<String>,
    /// Files with lists of the certificates that these authorities have taken back.
    pub client_revocation_lists: List,
    /// Whether a client has to have one.
    pub client_certificates: ClientCertificates,
    /// How long browsers are to come back over TLS alone, 0 for no word of it.
    pub hsts_seconds: u32,
}

impl TlsSettings {
    /// What is told to browsers (RFC 6797); `None` without TLS.
    pub fn strict_transport(&self) -> Option<HeaderValue> {
        let is_told = self.certificate.is_some() && self.hsts_seconds > 0;
        let value = HeaderValue::try_from(format!("max-age={}", self.hsts_seconds)).ok();
        value.filter(|_| is_told)
    }
}

/// Whether a client has to have a certificate, where there are authorities for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ClientCertificates {
    /// It may have one.
    Optional,
    /// Without one there is no connection.
    Required,
}

/// `[watchdog]`: what does not come back.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct WatchdogSettings {
    /// Silence after which a thread counts as stuck.
    pub stuck_seconds: u64,
    /// Silence after which `/livez` answers 503, 0 for never.
    pub restart_seconds: u64,
}

impl WatchdogSettings {
    /// Silence after which a thread counts as stuck.
    pub fn patience(&self) -> Duration {
        Duration::from_secs(self.stuck_seconds)
    }

    /// Silence after which the process should be started anew.
    pub fn restart_after(&self) -> Option<Duration> {
        (self.restart_seconds > 0).then(|| Duration::from_secs(self.restart_seconds))
    }
}

/// `[log]`: what is written down.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LogSettings {
    /// A level, or levels by part.
    pub log_level: String,
    /// The format, for people or for machines.
    pub format: LogFormat,
    /// Whether there is a line for each MCP request.
    pub requests: bool,
    /// The folder for daily files.
    #[serde(deserialize_with = "unset_if_empty", serialize_with = "empty_if_unset")]
    pub log_dir: Option<String>,
    /// How the files' names begin.
    pub log_name: String,
    /// How many are kept.
    pub max_files: usize,
}

/// `log.format`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// Lines for people.
    Pretty,
    /// One JSON object per line.
    Json,
}

/// `[audit]`: what is remembered of who did what.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AuditSettings {
    /// Whether there is a log.
    pub enabled: bool,
    /// The folder of its files.
    #[serde(deserialize_with = "unset_if_empty", serialize_with = "empty_if_unset")]
    pub dir: Option<String>,
    /// The size from which on a new file begins.
    pub max_file_bytes: ByteSize,
    /// How many files are kept, 0 for all.
    pub max_files: usize,
    /// The memory of records that are not written yet.
    pub buffer: ByteSize,
    /// A file with the key that signs checkpoints.
    #[serde(deserialize_with = "unset_if_empty", serialize_with = "empty_if_unset")]
    pub checkpoint_key_file: Option<String>,
    /// The folder of their file.
    #[serde(deserialize_with = "unset_if_empty", serialize_with = "empty_if_unset")]
    pub checkpoint_dir: Option<String>,
    /// The time from one to the next.
    pub checkpoint_seconds: u64,
    /// What happens where there is no room for a record.
    pub on_full: OnFull,
    /// Whether reads in `/admin` have records, too.
    pub reads: bool,
    /// Calls whose arguments are remembered, as `instance/tool`.
    pub arguments: List,
    /// Places in arguments that are left out.
    pub redact_paths: List,
    /// What is left out of texts in arguments.
    pub redact_patterns: List,
    /// Where records go besides the files.
    pub sinks: AuditSinkSettings,
}

/// `audit.on_full`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnFull {
    /// The record is lost, and counted.
    Lose,
    /// The request is refused.
    Refuse,
}

/// `[events]`: what is told of what happens.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct EventSettings {
    /// One call in so many; 0 for none.
    pub tool_executed: u64,
}

/// `[upstream]`: bounds where a definition has none.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct UpstreamSettings {
    /// The time of a whole call.
    pub timeout_ms: u64,
    /// The time of connecting.
    pub connect_timeout_ms: u64,
    /// The size of a request's body.
    pub max_request_bytes: ByteSize,
    /// The size of an answer's body.
    pub max_response_bytes: ByteSize,
    /// The text, and the structured content, that a result has.
    pub max_result_bytes: ByteSize,
    /// What becomes of answers that `output_schema` does not allow.
    pub on_output_mismatch: OnMismatch,
    /// How requests name the gateway: "auto", "off", or a name.
    pub via: String,
    /// How many gateways a request may have passed.
    pub max_gateways: usize,
}

/// `[egress]`: which addresses tools may reach.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct EgressSettings {
    /// Whether private networks may be reached.
    pub allow_private: bool,
    /// Whether this machine may be reached.
    pub allow_loopback: AutoSwitch,
    /// The only hosts and networks that are reached, if there are any.
    pub allow: List,
    /// The hosts and networks that are never reached.
    pub deny: List,
    /// Forward proxies that definitions may use.
    pub proxies: List,
}

/// `[secrets]`: what definitions may refer to.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SecretSettings {
    /// Names of environment variables, or how they begin.
    pub allow_env: List,
    /// Directories with files of secrets.
    pub file_dir: List,
    /// The keys that secrets of the store are encrypted with.
    #[serde(
        default,
        deserialize_with = "unset_if_empty_secret",
        serialize_with = "super::display::secret"
    )]
    pub key: Option<Secret>,
    /// The file that has them.
    #[serde(
        default,
        deserialize_with = "unset_if_empty",
        serialize_with = "empty_if_unset"
    )]
    pub key_file: Option<String>,
    /// Whether `key` is what the older variable says.
    #[serde(skip)]
    pub key_is_older: bool,
}

/// What other servers call the key of their secrets.
pub(super) const OLDER_SECRET_KEY: &str = "ENCRYPTION_KEY";

impl SecretSettings {
    /// The key that says which keys there are, for messages.
    pub fn key_place(&self) -> &'static str {
        match (&self.key, self.key_is_older) {
            (Some(_), true) => OLDER_SECRET_KEY,
            (Some(_), false) => "secrets.key",
            (None, _) => "secrets.key_file",
        }
    }
}

/// `[stdio]`: programs that upstreams are.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct StdioSettings {
    /// Commands that definitions may start.
    pub allow: List,
    /// Programs that run at once, of all upstreams.
    pub max_programs: usize,
}

/// `[metrics]`: what is measured.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct MetricSettings {
    /// Pairs of instance and tool that have series of their own.
    pub max_series: usize,
}

/// `[templates]`: what templates of definitions may name.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TemplateSettings {
    /// Headers of clients' requests.
    pub request_headers: List,
}

/// `[work]`: what of calls is worked on beside the workers.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct WorkSettings {
    /// How much at once; 0 for one per CPU.
    pub threads: usize,
    /// How much of one tool may wait.
    pub waiting: usize,
    /// Arguments from this size on.
    pub arguments_bytes: ByteSize,
    /// Answers from this size on.
    pub answer_bytes: ByteSize,
    /// How long one piece of work in a process may take.
    pub time_ms: u64,
    /// How much memory it may take.
    pub memory: ByteSize,
    /// The program `dynmcp`, or one that calls [`main`](crate::cli::main): what cannot be stopped is done in processes of it.
    /// Not a key of the configuration; without it there are no processes.
    #[serde(skip)]
    pub program: Option<PathBuf>,
}

/// `true`, `false`, or decided by circumstances.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AutoSwitch {
    /// It is on.
    On,
    /// It is off.
    Off,
    /// The setting that the key's comment says.
    Auto,
}

/// `[mcp]`: how the protocol is spoken.
#[derive(Clone, Serialize, Deserialize)]
pub struct McpSettings {
    /// Tools on one page.
    pub page_size: usize,
    /// How long clients may keep a list.
    pub list_ttl_ms: u64,
    /// The secret that signs session ids.
    #[serde(
        deserialize_with = "unset_if_empty_secret",
        serialize_with = "super::display::secret"
    )]
    pub session_secret: Option<Secret>,
    /// How long a session id is good.
    pub session_seconds: u64,
    /// How long a session may go unused, 0 for any time.
    pub session_idle_seconds: u64,
    /// Open streams at once.
    pub max_streams: u32,
    /// The most streams of one address, 0 for a quarter of all.
    pub max_streams_per_client: u32,
    /// Requests that go on without their client.
    pub max_abandoned: usize,
    /// The most of them of one client.
    pub max_abandoned_per_client: usize,
    /// How long they go on.
    pub abandoned_seconds: u64,
}

impl McpSettings {
    /// Open streams of one address.
    pub fn streams_per_client(&self) -> u32 {
        part(self.max_streams_per_client, self.max_streams)
    }
}

/// What was chosen, or a quarter of all.
fn part(chosen: u32, all: u32) -> u32 {
    match chosen {
        0 => (all / 4).max(1),
        chosen => chosen,
    }
}

impl Serialize for AutoSwitch {
    fn serialize<S: serde::Serializer>(&self, output: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::On => output.serialize_bool(true),
            Self::Off => output.serialize_bool(false),
            Self::Auto => output.serialize_str("auto"),
        }
    }
}

impl<'de> Deserialize<'de> for AutoSwitch {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        // A text in the environment, possibly a boolean in a file: both arrive as text here.
        match String::deserialize(input)?.as_str() {
            "true" => Ok(Self::On),
            "false" => Ok(Self::Off),
            "auto" => Ok(Self::Auto),
            other => {
                let found = serde::de::Unexpected::Str(other);
                Err(serde::de::Error::invalid_value(found, &"true, false or \"auto\""))
            }
        }
    }
}

pub(super) fn unset_if_empty<'de, D: Deserializer<'de>>(input: D) -> Result<Option<String>, D::Error> {
    Ok(Some(String::deserialize(input)?).filter(|text| !text.is_empty()))
}

pub(super) fn unset_if_empty_secret<'de, D: Deserializer<'de>>(input: D) -> Result<Option<Secret>, D::Error> {
    Ok(unset_if_empty(input)?.map(Secret::from))
}

pub(super) fn empty_if_unset<S: serde::Serializer>(
    text: &Option<String>,
    output: S,
) -> Result<S::Ok, S::Error> {
    output.serialize_str(text.as_deref().unwrap_or_default())
}
