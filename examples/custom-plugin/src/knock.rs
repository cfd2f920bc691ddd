//! A probe that looks whether anybody takes connections where an endpoint is: as small as one can be.

use async_trait::async_trait;
use http::Uri;
use mcp_common::{
    plugin::{HealthProbeFactory, PluginError, Settings, Table},
    probe::{Finding, HealthProbe, Probed, Surroundings},
};
use std::sync::Arc;
use tokio::net::TcpStream;

struct Knock {
    /// Another port than that of the endpoint's address.
    port: Option<u16>,
}

#[async_trait]
impl HealthProbe for Knock {
    async fn probe(&self, endpoint: Probed<'_>) -> Finding {
        let uri = endpoint.url.parse::<Uri>().ok();
        let Some(host) = uri.as_ref().and_then(Uri::host) else {
            return Finding::Unknown("its address has no host".to_owned());
        };
        let usual = if endpoint.url.starts_with("https:") {
            443
        } else {
            80
        };
        let said = uri.as_ref().and_then(Uri::port_u16);
        let port = self.port.or(said).unwrap_or(usual);
        match TcpStream::connect((host, port)).await {
            Ok(_) => Finding::Good,
            Err(error) => Finding::Bad(format!("nobody opens at port {port}: {error}")),
        }
    }
}

#[derive(Default)]
struct KnockFactory;

#[mcp_common::health_probe("knock")]
impl HealthProbeFactory for KnockFactory {
    fn check(&self, place: &str, settings: &Settings) -> Vec<PluginError> {
        port(place, settings).err().into_iter().collect()
    }

    fn make(
        &self,
        place: &str,
        settings: &Settings,
        _gateway: &Surroundings,
    ) -> Result<Arc<dyn HealthProbe>, PluginError> {
        Ok(Arc::new(Knock {
            port: port(place, settings)?,
        }))
    }
}

fn port(place: &str, settings: &Settings) -> Result<Option<u16>, PluginError> {
    let port = Table::new(place, settings, &["port"])?.number("port", 0..=u16::MAX, 0)?;
    Ok((port > 0).then_some(port))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    async fn asked(settings: &Settings, url: &str) -> Finding {
        let knock = KnockFactory.make("health.settings", settings, &Surroundings::default());
        let endpoint = Probed {
            upstream: "u",
            url,
            region: None,
        };
        knock
            .map_err(|error| error.to_string())
            .unwrap()
            .probe(endpoint)
            .await
    }

    #[tokio::test]
    async fn who_takes_connections_is_well() {
        let door = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = door.local_addr().unwrap().port();
        let url = format!("http://127.0.0.1:{port}/mcp");
        assert_eq!(asked(&json!({}), &url).await, Finding::Good);
        let elsewhere = "http://127.0.0.1:1/mcp";
        assert_eq!(asked(&json!({"port": port}), elsewhere).await, Finding::Good);
        drop(door);
        assert!(matches!(asked(&json!({}), &url).await, Finding::Bad(_)));
    }
}
