//! `none`: everybody is let in, with every right. Announced at start.

use async_trait::async_trait;
use http::HeaderMap;
use mcp_common::{
    authenticator::{Authenticator, Denied, Principal},
    plugin::{AuthenticatorFactory, PluginError, Settings},
};
use std::sync::Arc;

/// Lets everybody in.
pub struct Open {
    everybody: Principal,
}

impl Default for Open {
    fn default() -> Self {
        Self {
            everybody: Principal {
                admin: true,
                ..Principal::anonymous()
            },
        }
    }
}

#[async_trait]
impl Authenticator for Open {
    async fn authenticate(&self, _headers: &HeaderMap) -> Result<Principal, Denied> {
        Ok(self.everybody.clone())
    }

    fn open(&self) -> bool {
        true
    }
}

/// Makes the authenticator `none`; it has no settings.
#[derive(Default)]
pub struct OpenFactory;

#[mcp_common::authenticator("none")]
#[async_trait]
impl AuthenticatorFactory for OpenFactory {
    async fn make(&self, _settings: &Settings) -> Result<Arc<dyn Authenticator>, PluginError> {
        Ok(Arc::new(Open::default()))
    }
}
