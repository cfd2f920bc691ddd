//! The configuration: `config/default.toml`, then a file, then the environment. Each component reads its own section
//! and nothing else.

mod access;
mod aggregator;
mod audit_sinks;
mod auto_size;
mod bounds;
mod check;
mod differences;
mod discovery;
mod display;
mod env_file;
mod error;
pub(crate) mod format;
mod inexact;
mod large_numbers;
mod layers;
mod limits;
mod list;
mod live;
mod lookup;
mod network;
mod otlp;
mod sections;
mod sign_in;
mod source_tables;
mod unknown;
mod webhooks;

pub use access::{AccessSettings, ExternalSettings, Fail};
pub use aggregator::{Aggregated, ConfiguredUpstream};
pub(crate) use aggregator::{own, written_as};
pub use audit_sinks::{AuditSinkSettings, AuditWebhookSettings};
pub use auto_size::AutoSize;
pub use bounds::BoundsSettings;
pub use check::OPERATOR_PATHS;
pub use discovery::{AgentsSettings, DiscoveryTables};
pub use error::SettingsError;
pub use layers::{DEFAULT_TOML, Layers};
pub use limits::{LimitSettings, RedisLimitSettings};
pub use list::List;
pub(crate) use lookup::Home;
pub use network::{Network, NoNetwork};
pub use otlp::OtlpSettings;
pub use sections::{
    AppSettings, AuditSettings, AutoSwitch, ClientCertificates, EgressSettings, EventSettings, LogFormat,
    LogSettings, McpSettings, MetricSettings, OnFull, SecretSettings, StdioSettings, TemplateSettings,
    TlsSettings, UpstreamSettings, WatchdogSettings, WorkSettings,
};

pub use sign_in::SignInSettings;
pub use webhooks::WebhookSettings;

use serde::Deserialize;
use std::collections::BTreeMap;

/// A plugin's tables by plugin name.
pub type PluginTables = BTreeMap<String, serde_json::Value>;

/// The effective configuration. No secret in `Debug`.
#[derive(Clone, Deserialize)]
pub struct Settings {
    /// The gateway as a whole.
    pub app: AppSettings,
    /// What is done about threads that do not come back.
    pub watchdog: WatchdogSettings,
    /// What is written down about its work.
    pub log: LogSettings,
    /// What is remembered of who did what.
    pub audit: AuditSettings,
    /// What is measured.
    pub metrics: MetricSettings,
    /// Who is told of spans and metrics.
    pub otlp: OtlpSettings,
    /// Who else decides about calls.
    pub access: AccessSettings,
    /// Where limits are counted.
    pub limits: LimitSettings,
    /// What is told of what happens.
    pub events: EventSettings,
    /// Those outside who are told.
    #[serde(default)]
    pub webhooks: Vec<WebhookSettings>,
    /// With whom people sign in at the pages of the gateway.
    #[serde(default)]
    pub sign_in: Vec<SignInSettings>,
    /// What each data source reads.
    #[serde(default)]
    pub data_source: PluginTables,
    /// What each authenticator reads.
    #[serde(default)]
    pub authenticator: PluginTables,
    /// What each authorizer reads.
    #[serde(default)]
    pub authorizer: PluginTables,
    /// Where upstreams are found.
    #[serde(default)]
    pub discovery: DiscoveryTables,
    /// Servers that the configuration lists.
    #[serde(default)]
    pub agents: AgentsSettings,
    /// Where the gateway says itself that it is there.
    #[serde(default)]
    pub register: DiscoveryTables,
    /// Bounds of upstream calls.
    pub upstream: UpstreamSettings,
    /// Which addresses may be reached.
    pub egress: EgressSettings,
    /// What definitions may refer to.
    pub secrets: SecretSettings,
    /// Programs that upstreams are.
    pub stdio: StdioSettings,
    /// What templates of definitions may name.
    pub templates: TemplateSettings,
    /// What anything that comes in may have before it is parsed.
    pub bounds: BoundsSettings,
    /// The bounds of what is worked on beside the workers.
    pub work: WorkSettings,
    /// How the protocol is spoken.
    pub mcp: McpSettings,
    /// What the file of an aggregator says beside that.
    #[serde(skip)]
    pub aggregated: Option<Aggregated>,
}

impl Settings {
    /// Reads all layers, or says which key is wrong and what would be right.
    pub fn load(layers: &Layers) -> Result<Self, SettingsError> {
        let (settings, problems) = Self::examine(layers)?;
        match problems.is_empty() {
            true => Ok(settings),
            false => Err(SettingsError::together(problems)),
        }
    }

    /// The same with everything that is wrong: what has no meaning has its default's.
    pub(crate) fn examine(layers: &Layers) -> Result<(Self, Vec<SettingsError>), SettingsError> {
        layers.examine()
    }

    /// What is wrong with values of the right types.
    pub(crate) fn problems(&self) -> Vec<SettingsError> {
        check::problems(self)
    }

    /// The settings as TOML, with secrets redacted.
    pub fn to_redacted_toml(&self) -> String {
        display::redacted_toml(self)
    }
}

impl std::fmt::Debug for Settings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.to_redacted_toml())
    }
}

#[cfg(test)]
mod tests;
