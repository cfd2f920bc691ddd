//! An upstream definition (UDS document): one MCP server that the gateway is a client of.

mod auth;
mod bounds;
mod check;
mod fleet;
mod lists;
mod literal_credential;
mod output;
mod pin;
mod row;
mod tools;

pub use auth::{AuthorizationCode, UpstreamAuth, UpstreamClientCredentials};
pub use bounds::{UpstreamLimits, UpstreamTimeouts};
pub use check::is_id;
pub use check::same_place;
pub use fleet::{Algorithm, Balance, Breaker, Failover, HashOn, Health, Probe, Sticky, UpstreamEndpoint};
pub use lists::{UpstreamPrompts, UpstreamResources};
pub(crate) use literal_credential::of_strangers;
pub use output::{RemoteExample, RemoteOutput};
pub use pin::{Digest, PinMode, UpstreamPin};
pub(super) use tools::stars_match;
pub use tools::{Pattern, RemoteTool, UpstreamTools};

use super::{
    Read, client_limits,
    decode::checked,
    tool::{EgressBinding, MaybeSecret, ProxyBinding, SecretReference, TlsBinding},
};
use crate::{document::Document, problem::Problems};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::{borrow::Cow, collections::BTreeMap, sync::Arc};

/// The place of an upstream whose document says none.
pub const PRIORITY: u32 = 100;
/// The most endpoints that one upstream has.
pub const MOST_ENDPOINTS: usize = 64;

/// A server, or several replicas of it: an MCP server whose tools, resources and prompts instances can show, or an HTTP service that tools are called
/// at. A member that the gateway does not know is an error, since what it was meant to restrict would not be restricted.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(example = example())]
pub struct UpstreamDefinition {
    /// The name by which instances refer to it. The id in the URL, or the key of the store, wins over the document's own.
    #[serde(default)]
    #[schemars(
        regex(pattern = "^[a-z0-9][a-z0-9-]{0,31}$"),
        extend("patternErrorMessage" = "An id has 1 to 32 of a-z 0-9 -, and begins with a letter or digit")
    )]
    pub id: Arc<str>,
    /// A name for people.
    pub name: Option<String>,
    /// What it is good for, for people.
    pub description: Option<String>,
    /// Words by which instances select it (`include.upstream_tags`), and people find it.
    #[serde(default)]
    #[schemars(example = &["weather"])]
    pub tags: Vec<Arc<str>>,
    /// What it can do, in words of its own, for those who look for somebody who can.
    #[serde(default)]
    #[schemars(example = &["routing"])]
    pub capabilities: Vec<Arc<str>>,
    /// What else is to be known of it. The gateway keeps it and does nothing with it.
    #[serde(default)]
    #[schemars(example = serde_json::json!({"version": "1.0"}))]
    pub metadata: BTreeMap<String, Box<RawValue>>,
    /// `false`: an MCP server is connected to when somebody asks for it (`POST /admin/uds/{id}/refresh`), and nothing of it is shown before.
    #[serde(default = "yes")]
    pub auto_connect: bool,
    /// The discovery that found it; `None` where a document defines it.
    #[serde(skip)]
    pub origin: Option<Arc<str>>,
    /// `false`: it is not connected to, and nothing of it is shown.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// Which of several upstreams keeps the name of a tool or prompt, or the URI of a resource, that all of them have: the one with the lowest number, then the
    /// one whose id comes first.
    #[serde(default = "usual_place")]
    pub priority: u32,
    /// What kind of server it is: how it is spoken to.
    #[serde(default)]
    #[schemars(extend("default" = "mcp"))]
    pub protocol: UpstreamProtocol,
    /// How its messages travel. Without it, `command` means `stdio`, a `url` with `ws` or `wss` means `websocket`, and of any other it is found out whether it is
    /// `streamable_http` or `sse`.
    pub transport: Option<UpstreamTransport>,
    /// The address of the server's MCP endpoint, with `http` or `https`, or `ws` or `wss` for a WebSocket.
    #[schemars(example = &"https://weather.example/mcp")]
    pub url: Option<String>,
    /// Replicas of the server, instead of `url`; of MCP servers those with streamable HTTP.
    #[serde(default)]
    #[schemars(length(max = MOST_ENDPOINTS), example = serde_json::json!([{"url": "https://eu.weather.example/mcp"}, {"url": "https://us.weather.example/mcp"}]))]
    pub endpoints: Vec<UpstreamEndpoint>,
    /// How requests are spread over `endpoints`.
    #[serde(default)]
    pub balance: Balance,
    /// When an endpoint that fails is let alone.
    #[serde(default)]
    pub breaker: Breaker,
    /// When a request goes on to another endpoint.
    #[serde(default)]
    pub failover: Failover,
    /// How endpoints are looked at beside requests.
    #[serde(default)]
    pub health: Health,
    /// The authorities that connections believe, and the certificates that they show.
    pub tls: Option<TlsBinding>,
    /// Where connections lead through.
    pub proxy: Option<ProxyBinding>,
    /// Which hosts and addresses are reached.
    pub egress: Option<EgressBinding>,
    /// Headers that every request to `url` has: texts, or references to secrets.
    #[serde(default)]
    #[schemars(example = serde_json::json!({"X-Team": "support"}))]
    pub headers: BTreeMap<String, MaybeSecret>,
    /// The credential that the server at `url` is shown.
    pub auth: Option<UpstreamAuth>,
    /// The program that is the server, and speaks on its standard input and output. It is started only if `stdio.allow` of
    /// the gateway's configuration has exactly this word.
    #[schemars(example = &"uvx")]
    pub command: Option<String>,
    /// Arguments of the program.
    #[serde(default)]
    #[schemars(example = &["mcp-server-time"])]
    pub args: Vec<String>,
    /// Environment variables of the program: texts, or references to secrets. Of the gateway's own it gets PATH, HOME, LANG
    /// and TMPDIR, and nothing else.
    #[serde(default)]
    #[schemars(example = serde_json::json!({"TZ": "UTC"}))]
    pub env: BTreeMap<String, MaybeSecret>,
    /// The directory that the program runs in, absolute. Without it, that of the gateway.
    pub cwd: Option<String>,
    /// Which revisions of the protocol it is spoken to in.
    #[serde(default)]
    #[schemars(extend("default" = "auto"))]
    pub era: UpstreamEra,
    /// Whether the clients of a server of an older revision have sessions of their own with it, in which it can ask them things.
    #[serde(default)]
    #[schemars(extend("default" = "auto"))]
    pub sessions: UpstreamSessions,
    /// How long each step may take.
    #[serde(default)]
    pub timeouts: UpstreamTimeouts,
    /// Bounds of what is sent and taken.
    #[serde(default)]
    pub limits: UpstreamLimits,
    /// Which of its tools are shown, and as what.
    #[serde(default)]
    pub tools: UpstreamTools,
    /// Which of its resources are shown.
    #[serde(default)]
    pub resources: UpstreamResources,
    /// Which of its prompts are shown, and as what.
    #[serde(default)]
    pub prompts: UpstreamPrompts,
    /// Which of its tools somebody has looked at, and what happens to others.
    #[serde(default)]
    pub pin: UpstreamPin,

    /// Who maintains it; plans of others leave it alone.
    #[serde(default, rename = "managed_by")]
    #[schemars(example = &"team-a")]
    _managed_by: Option<String>,
    /// The version of the document format.
    #[serde(default, rename = "version")]
    _version: Option<Box<RawValue>>,
    /// Written by the server; what is sent is left out.
    #[serde(default, rename = "revision")]
    #[schemars(extend("readOnly" = true))]
    _revision: Option<Box<RawValue>>,
    /// Written by the server; what is sent is left out.
    #[serde(default, rename = "updated_at")]
    #[schemars(extend("readOnly" = true))]
    _updated_at: Option<Box<RawValue>>,
    /// Where an editor finds the schema of this document.
    #[serde(default, rename = "$schema")]
    _schema: Option<Box<RawValue>>,
}

/// What kind of server an upstream is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum UpstreamProtocol {
    /// An MCP server: instances show its tools, resources and prompts.
    #[default]
    Mcp,
    /// An HTTP service: tools with definitions name it (`tds_ext_info.upstream`) instead of a host.
    Http,
}

/// How messages travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum UpstreamTransport {
    /// Requests of HTTP to one URL, whose answers are JSON or a stream of events.
    StreamableHttp,
    /// HTTP+SSE of 2024-11-05: a stream of events from one URL, and requests to another that the server names.
    Sse,
    /// One message in each text frame.
    Websocket,
    /// Lines on the standard input and output of a program that the gateway starts.
    Stdio,
}

/// Which revisions of the protocol an upstream is spoken to in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum UpstreamEra {
    /// Found out: `server/discover` first, `initialize` where that is not understood.
    #[default]
    Auto,
    /// 2026-07-28, without sessions.
    Modern,
    /// 2025-11-25 and before, with `initialize`.
    Legacy,
}

impl UpstreamTransport {
    /// As documents write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::StreamableHttp => "streamable_http",
            Self::Sse => "sse",
            Self::Websocket => "websocket",
            Self::Stdio => "stdio",
        }
    }
}

fn is_websocket(url: &str) -> bool {
    url.starts_with("ws://") || url.starts_with("wss://")
}

/// Whose sessions an older server has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum UpstreamSessions {
    /// Each client that answers requests (sampling, elicitation, roots) has one with a server that has a URL; programs
    /// are shared.
    #[default]
    Auto,
    /// All clients share one, and the server can ask nobody.
    Shared,
    /// Each client has one. A program is started once for each.
    PerClient,
}

fn yes() -> bool {
    true
}

fn usual_place() -> u32 {
    PRIORITY
}

fn example() -> serde_json::Value {
    serde_json::json!({
        "id": "weather",
        "name": "Weather service",
        "url": "https://weather.example/mcp",
        "auth": {"type": "bearer", "credential": "${env:DYNMCP_SECRET_WEATHER}"},
        "tools": {"include": ["get_*"], "prefix": "weather"},
    })
}

impl UpstreamDefinition {
    /// Reads the document stored under `id`.
    pub fn read(id: &str, document: &Document) -> Result<Read<Self>, Problems> {
        let (mut definition, mut warnings) = checked::<Self>(document, check::follows, |definition| {
            check::problems(id, definition)
        })?;
        if !definition.id.is_empty() && *definition.id != *id {
            warnings.push(format!(
                "id: the document says `{}`, it is served under its key `{id}`",
                definition.id
            ));
        }
        for (name, tool) in &definition.tools.overrides {
            let field = || format!("tools.overrides.{name}.description");
            let description = tool.description.as_deref().unwrap_or_default();
            warnings.extend(client_limits::of_tool_description(field, description));
        }
        warnings.extend(literal_credential::warnings(&definition));
        definition.id = id.into();
        Ok(Read { definition, warnings })
    }

    /// Whether the connections of the other one can go on for this one: what differs is only what is said of it, or shown of it. The names of all
    /// members stand here, so that nobody adds one without deciding.
    pub fn connects_like(&self, other: &Self) -> bool {
        let Self {
            id,
            enabled,
            protocol,
            transport,
            url,
            endpoints,
            balance,
            breaker,
            failover,
            health,
            headers,
            auth,
            tls,
            proxy,
            egress,
            command,
            args,
            env,
            cwd,
            era,
            sessions,
            timeouts,
            limits,
            auto_connect,
            name: _,
            description: _,
            tags: _,
            capabilities: _,
            metadata: _,
            origin: _,
            priority: _,
            tools: _,
            resources: _,
            prompts: _,
            pin: _,
            _managed_by: _,
            _version: _,
            _revision: _,
            _updated_at: _,
            _schema: _,
        } = self;
        // Results are bounded where they are shown, and calls counted where they come in.
        let of_connection = |limits: &UpstreamLimits| UpstreamLimits {
            max_result_bytes: None,
            ..limits.without_calls()
        };
        (id, enabled, auto_connect) == (&other.id, &other.enabled, &other.auto_connect)
            && (transport, url, headers, auth) == (&other.transport, &other.url, &other.headers, &other.auth)
            && (protocol, endpoints, balance) == (&other.protocol, &other.endpoints, &other.balance)
            && (breaker, failover, health) == (&other.breaker, &other.failover, &other.health)
            && (tls, proxy, egress) == (&other.tls, &other.proxy, &other.egress)
            && (command, args, env, cwd) == (&other.command, &other.args, &other.env, &other.cwd)
            && (era, sessions, timeouts) == (&other.era, &other.sessions, &other.timeouts)
            && of_connection(limits) == of_connection(&other.limits)
    }

    /// How its messages travel.
    pub fn transport(&self) -> UpstreamTransport {
        match (self.transport, &self.command) {
            (Some(transport), _) => transport,
            (None, Some(_)) => UpstreamTransport::Stdio,
            (None, None) if self.url.as_deref().is_some_and(is_websocket) => UpstreamTransport::Websocket,
            (None, None) => UpstreamTransport::StreamableHttp,
        }
    }

    /// Whether each caller uses an account of their own there.
    pub fn is_used_by_accounts_of_callers(&self) -> bool {
        matches!(self.auth, Some(UpstreamAuth::User(_)))
    }

    /// Whether calls are made in the names of their callers, by whatever shows it.
    pub fn is_used_in_names_of_callers(&self) -> bool {
        matches!(
            self.auth,
            Some(UpstreamAuth::User(_) | UpstreamAuth::TokenExchange(_))
        )
    }

    /// Whether it says how long connecting may take.
    pub fn has_own_connect_timeout(&self) -> bool {
        self.timeouts.connect_ms != UpstreamTimeouts::default().connect_ms
    }

    /// Whether it has several endpoints, or may get more.
    pub fn is_fleet(&self) -> bool {
        !self.endpoints.is_empty()
    }

    /// Its endpoints that are switched on; what has only a `url` is a fleet of one.
    pub fn replicas(&self) -> impl Iterator<Item = Cow<'_, UpstreamEndpoint>> {
        let single = self.url.iter().filter(|_| !self.is_fleet());
        let single = single.map(|url| Cow::Owned(UpstreamEndpoint::at(url.clone())));
        let several = self.endpoints.iter().filter(|endpoint| endpoint.enabled);
        several.map(Cow::Borrowed).chain(single)
    }

    /// Whether a server that refuses streamable HTTP may be one that knows only what was there before it.
    pub fn may_be_older_than_streamable(&self) -> bool {
        self.transport.is_none() && self.transport() == UpstreamTransport::StreamableHttp && !self.is_fleet()
    }

    /// Every secret that it refers to.
    pub fn references(&self) -> impl Iterator<Item = &SecretReference> {
        let texts = self.headers.values().chain(self.env.values());
        let texts = texts.filter_map(|value| match value {
            MaybeSecret::Reference(reference) => Some(reference),
            MaybeSecret::Plain(_) => None,
        });
        let proxy = self.proxy.iter().flat_map(ProxyBinding::references);
        let connection = self.tls.iter().flat_map(TlsBinding::references).chain(proxy);
        texts
            .chain(self.auth.iter().flat_map(UpstreamAuth::references))
            .chain(connection)
    }
}

#[cfg(test)]
mod tests;
