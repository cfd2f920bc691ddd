//! An authenticator that knows one password, in a header of its own.

use async_trait::async_trait;
use http::HeaderMap;
use mcp_common::{
    authenticator::{Attributes, Authenticator, Denied, Principal},
    plugin::{AuthenticatorFactory, PluginError, Settings, Table},
    secret::{ExposeSecret, Secret},
};
use std::sync::Arc;

const HEADER: &str = "x-password";

struct Doorman {
    password: Secret,
    guest: Principal,
}

#[async_trait]
impl Authenticator for Doorman {
    async fn authenticate(&self, headers: &HeaderMap) -> Result<Principal, Denied> {
        let said = headers.get(HEADER).ok_or(Denied::Missing)?.as_bytes();
        if same(said, self.password.expose_secret().as_bytes()) {
            return Ok(self.guest.clone());
        }
        Err(Denied::Invalid("that is not the password".to_owned()))
    }

    fn challenge(&self) -> String {
        "Password".to_owned()
    }
}

/// Looks at every byte, so that the time taken does not say how many were right.
fn same(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).fold(0, |difference, (a, b)| difference | (a ^ b)) == 0
}

/// Makes `doorman` with the table `authenticator.doorman`.
#[derive(Default)]
pub struct DoormanFactory;

#[mcp_common::authenticator("doorman")]
#[async_trait]
impl AuthenticatorFactory for DoormanFactory {
    async fn make(&self, settings: &Settings) -> Result<Arc<dyn Authenticator>, PluginError> {
        let table = Table::new("authenticator.doorman", settings, &["password"])?;
        let password = table.secret("password")?;
        let password = password.ok_or_else(|| table.wrong("password", "must be given"))?;
        // What templates of definitions may say of a guest: `principal.roles`.
        let known = Attributes {
            roles: vec!["visitor".to_owned()],
            ..Attributes::default()
        };
        let guest = Principal {
            attributes: Some(Arc::new(known)),
            ..Principal::named("guest")
        };
        Ok(Arc::new(Doorman { password, guest }))
    }
}
