//! Which running gateway, for the commands that take `--server`.

use super::Failure;
use crate::{
    client::{ClientError, Gateway},
    settings::{Layers, Settings},
};
use clap::Args;
use std::path::PathBuf;

/// The gateway that a command asks.
#[derive(Args, Clone)]
pub(super) struct RunningGateway {
    /// The gateway [default: the configured one, on this machine].
    #[arg(long, env = "DYNMCP_SERVER", value_name = "URL")]
    server: Option<String>,
    /// A key that may ask this there.
    #[arg(long, env = "DYNMCP_KEY", hide_env_values = true)]
    key: Option<String>,
}

impl RunningGateway {
    /// Its origin.
    pub(super) fn server(&self, config: Option<PathBuf>) -> Result<String, Failure> {
        match &self.server {
            Some(server) => Ok(server.clone()),
            None => configured(config),
        }
    }

    /// The same, to be asked.
    pub(super) fn open(&self, config: Option<PathBuf>) -> Result<Gateway, Failure> {
        let server = self.server(config)?;
        Ok(match &self.key {
            Some(key) => Gateway::new(&server, key)?,
            None => Gateway::anonymous(&server)?,
        })
    }
}

fn configured(config: Option<PathBuf>) -> Result<String, Failure> {
    let settings = Settings::load(&Layers::of_process(config))?;
    origin(&settings, None).ok_or_else(|| {
        Failure::configuration(
            "app.port is 0, so that nobody knows where the gateway listens; say it with --server",
        )
    })
}

/// The gateway; without it a command works on the configured data source.
#[derive(Args, Clone, Default)]
pub(super) struct GatewayArguments {
    /// Work on this running gateway, not on the configured data source.
    #[arg(long, value_name = "URL", requires = "key")]
    server: Option<String>,
    /// An admin's key of that gateway.
    #[arg(long, env = "DYNMCP_KEY", hide_env_values = true)]
    key: Option<String>,
}

impl GatewayArguments {
    /// Where it is, if it was named.
    pub(super) fn server(&self) -> Option<&str> {
        self.server.as_deref()
    }

    /// The admin's key, if one was given.
    pub(super) fn key(&self) -> Option<&str> {
        self.key.as_deref()
    }

    /// The same, for what a running gateway alone can say: without `--server` the one of `DYNMCP_SERVER`, or the configured one.
    pub(super) fn running(&self) -> RunningGateway {
        RunningGateway {
            server: self
                .server
                .clone()
                .or_else(|| std::env::var("DYNMCP_SERVER").ok()),
            key: self.key.clone(),
        }
    }

    /// `None` without `--server`.
    pub(super) fn gateway(&self) -> Result<Option<Gateway>, ClientError> {
        let Some(server) = &self.server else {
            return Ok(None);
        };
        Gateway::new(server, self.key.as_deref().unwrap_or_default()).map(Some)
    }
}

/// Where the gateway of this configuration listens, seen from this machine; `other` is another address than its own. `None`
/// where any port will do.
pub(super) fn origin(settings: &Settings, other: Option<&str>) -> Option<String> {
    let app = &settings.app;
    let other = other.and_then(|address| address.rsplit_once(':'));
    let (host, port) = match other {
        Some((host, port)) => (host, port.parse().ok()?),
        None => (app.host.as_str(), app.port),
    };
    let host = match host {
        "0.0.0.0" => "127.0.0.1",
        "::" | "[::]" => "[::1]",
        host => host,
    };
    let host = if host.contains(':') && !host.starts_with('[') {
        format!("[{host}]")
    } else {
        host.to_owned()
    };
    (port != 0).then(|| format!("http://{host}:{port}"))
}
