//! Which running gateway, for the commands that take `--server`.

use crate::client::{ClientError, Gateway};
use clap::Args;

/// The gateway; without it a command works on the configured data source.
#[derive(Args, Clone)]
pub(super) struct GatewayArguments {
    /// Work on this running gateway, not on the configured data source.
    #[arg(long, value_name = "URL", requires = "key")]
    server: Option<String>,
    /// An admin's key of that gateway.
    #[arg(long, env = "DYNMCP_KEY", hide_env_values = true)]
    key: Option<String>,
}

impl GatewayArguments {
    /// `None` without `--server`.
    pub(super) fn gateway(&self) -> Result<Option<Gateway>, ClientError> {
        let Some(server) = &self.server else {
            return Ok(None);
        };
        Gateway::new(server, self.key.as_deref().unwrap_or_default()).map(Some)
    }
}
