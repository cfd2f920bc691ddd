use mcp_common::{
    authenticator::Authenticator,
    datasource::DataSource,
    discovery::{Discovery, Habits, Surroundings},
    plugin::{
        AuthenticatorFactory, DataSourceFactory, DiscoveryFactory, HealthProbeFactory, PluginError, Registry,
        Settings,
    },
    probe::{self, HealthProbe},
};
use std::sync::Arc;

#[derive(Default)]
struct Redis;

#[mcp_common::datasource("redis_7")]
#[async_trait::async_trait]
impl DataSourceFactory for Redis {
    async fn open(&self, _: &Settings) -> Result<Arc<dyn DataSource>, PluginError> {
        Err(PluginError::Start("no server".to_owned()))
    }
}

#[derive(Default)]
struct Badge;

#[mcp_common::authenticator("badge")]
#[async_trait::async_trait]
impl mcp_common::plugin::AuthenticatorFactory for Badge {
    async fn make(&self, _: &Settings) -> Result<Arc<dyn Authenticator>, PluginError> {
        Err(PluginError::Start("no reader".to_owned()))
    }
}

#[derive(Default)]
struct Rumour;

#[mcp_common::discovery("rumour")]
impl DiscoveryFactory for Rumour {
    fn habits(&self) -> Habits {
        Habits {
            interval: std::time::Duration::from_secs(60),
            is_trusted: false,
            may_be_empty: true,
        }
    }

    fn check(&self, _: &str, _: &Settings) -> Vec<PluginError> {
        Vec::new()
    }

    fn make(&self, _: &str, _: &Settings, _: &Surroundings) -> Result<Box<dyn Discovery>, PluginError> {
        Err(PluginError::Start("nobody talks".to_owned()))
    }
}

#[derive(Default)]
struct Pulse;

#[mcp_common::health_probe("pulse")]
impl HealthProbeFactory for Pulse {
    fn check(&self, _: &str, _: &Settings) -> Vec<PluginError> {
        Vec::new()
    }

    fn make(
        &self,
        _: &str,
        _: &Settings,
        _: &probe::Surroundings,
    ) -> Result<Arc<dyn HealthProbe>, PluginError> {
        Err(PluginError::Start("no heart".to_owned()))
    }
}

fn main() -> Result<(), PluginError> {
    let sources = Registry::<dyn DataSourceFactory>::data_sources()?;
    assert_eq!(sources.names().collect::<Vec<_>>(), ["redis_7"]);
    sources.get("redis_7")?;
    let authenticators = Registry::<dyn AuthenticatorFactory>::authenticators()?;
    assert_eq!(authenticators.names().collect::<Vec<_>>(), ["badge"]);
    authenticators.get("badge")?;
    let discoveries = Registry::<dyn DiscoveryFactory>::discoveries()?;
    assert_eq!(discoveries.names().collect::<Vec<_>>(), ["rumour"]);
    discoveries.get("rumour")?;
    let probes = Registry::<dyn HealthProbeFactory>::health_probes()?;
    assert_eq!(probes.names().collect::<Vec<_>>(), ["pulse"]);
    probes.get("pulse")?;
    Ok(())
}
