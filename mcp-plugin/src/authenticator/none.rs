//! `none`: everybody is let in, with every right. Announced at start.

use async_trait::async_trait;
use http::HeaderMap;
use mcp_common::{
    authenticator::{Authenticator, Denied, Principal},
    plugin::{AuthenticatorFactory, PluginError, Settings, Table},
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

/// Whoever writes a setting here believes that it keeps somebody out.
fn nothing(settings: &Settings) -> Result<(), PluginError> {
    Table::new("authenticator.none", settings, &[]).map(drop)
}

/// Makes the authenticator `none`; it has no settings.
#[derive(Default)]
pub struct OpenFactory;

#[mcp_common::authenticator("none")]
#[async_trait]
impl AuthenticatorFactory for OpenFactory {
    fn check(&self, settings: &Settings) -> Vec<PluginError> {
        nothing(settings).err().into_iter().collect()
    }

    async fn make(&self, settings: &Settings) -> Result<Arc<dyn Authenticator>, PluginError> {
        nothing(settings)?;
        Ok(Arc::new(Open::default()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[tokio::test]
    async fn a_setting_that_means_nothing_is_refused() {
        assert!(OpenFactory.check(&json!({})).is_empty());
        assert!(OpenFactory.check(&serde_json::Value::Null).is_empty());
        let settings = json!({"keys": []});
        let problems = OpenFactory.check(&settings);
        assert!(
            problems.len() == 1 && problems[0].to_string().contains("keys"),
            "{problems:?}"
        );
        assert!(OpenFactory.make(&settings).await.is_err());
    }
}
