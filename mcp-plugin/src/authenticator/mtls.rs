//! `mtls`: callers show a certificate of their own in the handshake of TLS. Which certificates are whose stands in the configuration; the
//! authorities that sign them in `app.tls`.

mod settings;

use super::shown;
use async_trait::async_trait;
use http::HeaderMap;
use mcp_common::{
    authenticator::{Arrival, Attributes, Authenticator, Denied, Gathered, Grant, KeyRing, Principal},
    plugin::{AuthenticatorFactory, PluginError, Settings, Surroundings},
};
use settings::Client;
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::SystemTime,
};

/// Recognises callers by their certificates.
pub struct Mtls {
    clients: Vec<Known>,
    ring: Arc<dyn KeyRing>,
}

struct Known {
    client: Client,
    /// As the roles were when they were looked at last.
    gathered: Mutex<Option<Gathered>>,
}

impl Mtls {
    fn rights(&self, known: &Known) -> Gathered {
        let mut gathered = known.gathered.lock().unwrap_or_else(PoisonError::into_inner);
        match gathered.as_ref().filter(|gathered| gathered.is_of(&*self.ring)) {
            Some(gathered) => gathered.clone(),
            None => gathered
                .insert(Gathered::of_roles(&known.client.roles, &*self.ring))
                .clone(),
        }
    }
}

#[async_trait]
impl Authenticator for Mtls {
    /// Without a connection nobody has a certificate.
    async fn authenticate(&self, _: &HeaderMap) -> Result<Principal, Denied> {
        Err(Denied::Missing)
    }

    async fn recognise(&self, arrival: Arrival<'_>) -> Result<Principal, Denied> {
        // A key or a token that is shown is what counts: a wrong one is not made good by the connection that it comes over.
        if shown::all(arrival.headers).next().is_some() {
            return Err(Denied::Missing);
        }
        let certificate = arrival.certificate.ok_or(Denied::Missing)?;
        if certificate.end <= SystemTime::now() {
            return Err(Denied::Invalid(
                "the certificate of this connection has ended".to_owned(),
            ));
        }
        let mut found = self.clients.iter().filter_map(|known| {
            let name = known.client.named_by(certificate)?;
            Some((known, name))
        });
        let Some((known, name)) = found.next() else {
            return Err(Denied::Invalid(
                "the certificate is nobody's here (`authenticator.mtls.clients`)".to_owned(),
            ));
        };
        let gathered = self.rights(known);
        let attributes = Attributes {
            roles: known.client.roles.clone(),
            ..Attributes::default()
        };
        Ok(Principal {
            subject: name,
            admin: gathered.is_admin,
            attributes: Some(Arc::new(attributes)),
            grant: Some(Arc::new(Grant::of_token(
                gathered,
                Arc::default(),
                Some(certificate.end),
            ))),
        })
    }
}

/// Makes the authenticator `mtls` from the table `authenticator.mtls`.
#[derive(Default)]
pub struct MtlsFactory;

#[mcp_common::authenticator("mtls")]
#[async_trait]
impl AuthenticatorFactory for MtlsFactory {
    fn check(&self, settings: &Settings) -> Vec<PluginError> {
        settings::problems(settings)
    }

    async fn make(&self, _: &Settings) -> Result<Arc<dyn Authenticator>, PluginError> {
        Err(PluginError::Start(
            "`mtls` needs a gateway whose roles it can read".to_owned(),
        ))
    }

    async fn make_within(
        &self,
        settings: &Settings,
        gateway: &Surroundings,
    ) -> Result<Arc<dyn Authenticator>, PluginError> {
        let clients = settings::clients(settings)?.into_iter().map(|client| Known {
            client,
            gathered: Mutex::default(),
        });
        Ok(Arc::new(Mtls {
            clients: clients.collect(),
            ring: gateway.ring.clone(),
        }))
    }
}
