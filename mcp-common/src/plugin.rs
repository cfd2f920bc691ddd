//! How plugins are found: every linked crate contributes `inventory` entries, the registry names and opens them.

mod all_problems;
mod setting;

pub use all_problems::all_problems;
pub use setting::Table;

use crate::{
    authenticator::{Authenticator, KeyRing},
    authorizer::Authorizer,
    datasource::DataSource,
    discovery::{self, Discovery, Habits},
    migration::{Migrate, Migration},
    probe::{self, HealthProbe},
    tasks::Tasks,
};
use async_trait::async_trait;
use std::{collections::BTreeMap, sync::Arc};

/// A plugin's own part of the configuration, as the file and the environment gave it.
pub type Settings = serde_json::Value;

/// Opens data sources of one kind.
#[async_trait]
pub trait DataSourceFactory: Send + Sync {
    /// Everything that can be known to be wrong with the table before anything is opened or made; `open` would refuse it.
    fn check(&self, _settings: &Settings) -> Vec<PluginError> {
        Vec::new()
    }

    /// Whether the store is there. Where `open` would make one, commands that only read do not open it.
    fn exists(&self, _settings: &Settings) -> Result<bool, PluginError> {
        Ok(true)
    }

    /// Connects; `settings` is the table `data_source.<name>`. The error is one line for the operator.
    async fn open(&self, settings: &Settings) -> Result<Arc<dyn DataSource>, PluginError>;

    /// Brings what the store keeps up to date with this version, beside gateways that run on it; `None` where the store
    /// has nothing of the kind. [`PluginError::Unavailable`] where it cannot be reached.
    async fn migrate(
        &self,
        _settings: &Settings,
        _migrate: Migrate,
    ) -> Result<Option<Migration>, PluginError> {
        Ok(None)
    }
}

/// Makes authenticators of one kind.
#[async_trait]
pub trait AuthenticatorFactory: Send + Sync {
    /// Everything that can be known to be wrong with the table; `make` would refuse it.
    fn check(&self, _settings: &Settings) -> Vec<PluginError> {
        Vec::new()
    }

    /// `settings` is the table `authenticator.<name>`. The error is one line for the operator.
    async fn make(&self, settings: &Settings) -> Result<Arc<dyn Authenticator>, PluginError>;

    /// The same, with what the gateway has for authenticators that need more than their table.
    async fn make_within(
        &self,
        settings: &Settings,
        _gateway: &Surroundings,
    ) -> Result<Arc<dyn Authenticator>, PluginError> {
        self.make(settings).await
    }
}

/// Makes authorizers of one kind.
pub trait AuthorizerFactory: Send + Sync {
    /// Everything that can be known to be wrong with the table `authorizer.<name>`; `make` would refuse it.
    fn check(&self, _settings: &Settings) -> Vec<PluginError> {
        Vec::new()
    }

    /// Reaches for nothing: whether somebody answers is found out by asking. The error is one line for the operator.
    fn make(&self, settings: &Settings, http: Arc<dyn Fetch>) -> Result<Arc<dyn Authorizer>, PluginError>;
}

/// Makes discoveries of one type.
pub trait DiscoveryFactory: Send + Sync {
    /// What holds for this type where a table says nothing.
    fn habits(&self) -> Habits;

    /// Everything that can be known to be wrong with the settings, which stand at this place of the configuration: `discovery[0]`. Those that all types
    /// have are not among them. `make` would refuse it.
    fn check(&self, place: &str, settings: &Settings) -> Vec<PluginError>;

    /// Reaches for nothing: whether something can be seen is found out by looking.
    fn make(
        &self,
        place: &str,
        settings: &Settings,
        gateway: &discovery::Surroundings,
    ) -> Result<Box<dyn Discovery>, PluginError>;
}

/// Makes probes of one kind.
pub trait HealthProbeFactory: Send + Sync {
    /// Everything that can be known to be wrong with the settings, which stand at this place of an upstream's document: `health.settings`. `make` would
    /// refuse it.
    fn check(&self, place: &str, settings: &Settings) -> Vec<PluginError>;

    /// One for each upstream whose document names it. Reaches for nothing.
    fn make(
        &self,
        place: &str,
        settings: &Settings,
        gateway: &probe::Surroundings,
    ) -> Result<Arc<dyn HealthProbe>, PluginError>;
}

/// What a gateway has for its authenticators.
#[derive(Clone)]
pub struct Surroundings {
    /// The keys and roles of the store.
    pub ring: Arc<dyn KeyRing>,
    /// A client for what they have to ask.
    pub http: Arc<dyn Fetch>,
    /// The owner of what they do in the background.
    pub tasks: Tasks,
}

/// An HTTP client that gets documents.
#[async_trait]
pub trait Fetch: Send + Sync {
    /// The body that is at this URL, of at most `limit` bytes; the error is one line.
    async fn get(&self, url: &str, limit: usize) -> Result<Vec<u8>, String>;

    /// What a form is answered with, whatever the status, of at most `limit` bytes. Redirects are not followed: what is sent is for whom it is
    /// sent to.
    async fn post(&self, form: Form<'_>, limit: usize) -> Result<Received, String> {
        let _ = limit;
        Err(format!("nothing can be sent to {}", form.url))
    }

    /// What JSON is answered with, whatever the status; a body of more than `limit` bytes is an error, and redirects are not followed.
    async fn ask(&self, message: Message<'_>, limit: usize) -> Result<Received, String> {
        let _ = limit;
        Err(format!("nothing can be sent to {}", message.url))
    }
}

/// JSON that is sent.
#[derive(Clone)]
pub struct Message<'a> {
    /// Where to.
    pub url: &'a str,
    /// The header `Authorization`, where there is one.
    pub authorization: Option<&'a str>,
    /// The document.
    pub body: Vec<u8>,
}

/// What came back.
#[derive(Clone, Debug)]
pub struct Received {
    /// The HTTP status.
    pub status: http::StatusCode,
    /// The whole body.
    pub body: Vec<u8>,
}

/// A form that is sent.
#[derive(Clone)]
pub struct Form<'a> {
    /// Where to.
    pub url: &'a str,
    /// The header `Authorization`.
    pub authorization: &'a str,
    /// The fields, encoded.
    pub body: String,
}

/// Why a plugin could not be used.
#[derive(Debug, thiserror::Error)]
pub enum PluginError {
    /// A setting is missing or wrong.
    #[error("{key}: {reason}")]
    Setting {
        /// Full path in the configuration, `data_source.sqlite.path`.
        key: String,
        /// What is wrong and what would be right.
        reason: String,
    },
    /// A setting whose value nobody reads as what it is to be, whatever else stands there.
    #[error("{key}: {reason}")]
    Misread {
        /// Full path in the configuration.
        key: String,
        /// What it is to be.
        reason: String,
    },
    /// Settings that there are not.
    #[error("{}: no such setting; there are: {}", setting::paths(.table, .names), if .known.is_empty() { "none" } else { .known })]
    NoSuchSettings {
        /// Full path of their table in the configuration.
        table: String,
        /// All of them.
        names: Vec<String>,
        /// What there is.
        known: String,
    },
    /// The plugin could not start.
    #[error("{0}")]
    Start(String),
    /// What the plugin needs cannot be reached now. The gateway starts all the same and tries on.
    #[error("{0}")]
    Unavailable(String),
    /// No plugin of that name is linked.
    #[error("no {port} is called `{name}`; there are: {known}")]
    Unknown {
        /// `data source`, `authenticator`, `authorizer`, `discovery` or `health probe`.
        port: &'static str,
        /// What was asked for.
        name: String,
        /// What there is.
        known: String,
    },
    /// Two plugins have one name.
    #[error("two {port} plugins are called `{name}`: link only one of them")]
    Duplicate {
        /// `data source`, `authenticator`, `authorizer`, `discovery` or `health probe`.
        port: &'static str,
        /// The name.
        name: &'static str,
    },
}

impl PluginError {
    /// Whether its text begins with the full path of a setting.
    pub fn names_a_setting(&self) -> bool {
        matches!(
            self,
            Self::Setting { .. } | Self::Misread { .. } | Self::NoSuchSettings { .. }
        )
    }

    /// Whether the configuration is to blame, not the circumstances.
    pub fn is_configuration(&self) -> bool {
        !matches!(self, Self::Start(_) | Self::Unavailable(_))
    }
}

/// Emitted by `#[datasource("name")]`.
pub struct DataSourceEntry {
    /// The name by which `app.data_source` selects it.
    pub name: &'static str,
    /// Makes the factory.
    pub factory: fn() -> Box<dyn DataSourceFactory>,
}

/// Emitted by `#[authenticator("name")]`.
pub struct AuthenticatorEntry {
    /// The name by which `app.authenticators` selects it.
    pub name: &'static str,
    /// Makes the factory.
    pub factory: fn() -> Box<dyn AuthenticatorFactory>,
}

/// Emitted by `#[authorizer("name")]`.
pub struct AuthorizerEntry {
    /// The name by which `access.external.authorizer` selects it.
    pub name: &'static str,
    /// Makes the factory.
    pub factory: fn() -> Box<dyn AuthorizerFactory>,
}

/// Emitted by `#[discovery("name")]`.
pub struct DiscoveryEntry {
    /// The name by which `type` of a `[[discovery]]` selects it.
    pub name: &'static str,
    /// Makes the factory.
    pub factory: fn() -> Box<dyn DiscoveryFactory>,
}

/// Emitted by `#[health_probe("name")]`.
pub struct HealthProbeEntry {
    /// The name by which `health.probe` of an upstream selects it.
    pub name: &'static str,
    /// Makes the factory.
    pub factory: fn() -> Box<dyn HealthProbeFactory>,
}

inventory::collect!(DataSourceEntry);
inventory::collect!(DiscoveryEntry);
inventory::collect!(HealthProbeEntry);
inventory::collect!(AuthenticatorEntry);
inventory::collect!(AuthorizerEntry);

/// All linked plugins of one port, by name.
pub struct Registry<T: ?Sized + 'static> {
    port: &'static str,
    factories: BTreeMap<&'static str, fn() -> Box<T>>,
}

impl Registry<dyn DataSourceFactory> {
    /// The linked data sources.
    pub fn data_sources() -> Result<Self, PluginError> {
        let entries = inventory::iter::<DataSourceEntry>
            .into_iter()
            .map(|entry| (entry.name, entry.factory));
        Self::collect("data source", entries)
    }
}

impl Registry<dyn AuthenticatorFactory> {
    /// The linked authenticators.
    pub fn authenticators() -> Result<Self, PluginError> {
        let entries = inventory::iter::<AuthenticatorEntry>
            .into_iter()
            .map(|entry| (entry.name, entry.factory));
        Self::collect("authenticator", entries)
    }
}

impl Registry<dyn AuthorizerFactory> {
    /// The linked authorizers.
    pub fn authorizers() -> Result<Self, PluginError> {
        let entries = inventory::iter::<AuthorizerEntry>
            .into_iter()
            .map(|entry| (entry.name, entry.factory));
        Self::collect("authorizer", entries)
    }
}

impl Registry<dyn DiscoveryFactory> {
    /// The linked discoveries.
    pub fn discoveries() -> Result<Self, PluginError> {
        let entries = inventory::iter::<DiscoveryEntry>
            .into_iter()
            .map(|entry| (entry.name, entry.factory));
        Self::collect("discovery", entries)
    }
}

impl Registry<dyn HealthProbeFactory> {
    /// The linked health probes.
    pub fn health_probes() -> Result<Self, PluginError> {
        let entries = inventory::iter::<HealthProbeEntry>
            .into_iter()
            .map(|entry| (entry.name, entry.factory));
        Self::collect("health probe", entries)
    }
}

impl<T: ?Sized> Registry<T> {
    fn collect(
        port: &'static str,
        entries: impl Iterator<Item = (&'static str, fn() -> Box<T>)>,
    ) -> Result<Self, PluginError> {
        let mut factories = BTreeMap::new();
        for (name, factory) in entries {
            if factories.insert(name, factory).is_some() {
                return Err(PluginError::Duplicate { port, name });
            }
        }
        Ok(Self { port, factories })
    }

    /// The names of all plugins, in alphabetical order.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.factories.keys().copied()
    }

    /// The factory called `name`.
    pub fn get(&self, name: &str) -> Result<Box<T>, PluginError> {
        self.factories
            .get(name)
            .map(|factory| factory())
            .ok_or_else(|| PluginError::Unknown {
                port: self.port,
                name: name.to_owned(),
                known: self.names().collect::<Vec<_>>().join(", "),
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn duplicate_names_are_refused() {
        let factory: fn() -> Box<str> = || "x".into();
        let error = Registry::collect("data source", [("etcd", factory), ("etcd", factory)].into_iter());
        assert!(matches!(error, Err(PluginError::Duplicate { name: "etcd", .. })));
    }

    #[test]
    fn an_unknown_name_lists_the_known_ones() {
        let factory: fn() -> Box<str> = || "x".into();
        let registry = Registry::collect(
            "data source",
            [("sqlite", factory), ("etcd", factory)].into_iter(),
        );
        let error = registry
            .ok()
            .and_then(|r| r.get("redis").err())
            .map(|e| e.to_string());
        assert_eq!(
            error.as_deref(),
            Some("no data source is called `redis`; there are: etcd, sqlite")
        );
    }
}
