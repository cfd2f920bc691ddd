//! The secrets of a transport, as they are now.

use crate::{
    connect::{Hop, Shortcoming},
    secrets::Secrets,
    tls_material::{
        TrustRoots,
        pem::{self, UnfitIdentity},
    },
    tool::Transport,
};
use mcp_common::{
    definition::tool::{MaybeSecret, SecretReference},
    secret::{ExposeSecret, Secret},
};
use rustls::ClientConfig;
use std::sync::Arc;

/// What references led to; `None` where there is none, or where the definition has the text itself.
#[derive(Default)]
pub(crate) struct Found {
    ca: Option<Arc<Secret>>,
    certificate: Option<Arc<Secret>>,
    key: Option<Arc<Secret>>,
    username: Option<Arc<Secret>>,
    password: Option<Arc<Secret>>,
}

impl Found {
    /// Looks up everything, or says everything that is missing.
    pub(crate) fn look_up(transport: &Transport, secrets: &Secrets) -> Result<Self, Vec<Shortcoming>> {
        let mut missing = Vec::new();
        let mut find = |member, reference: Option<&SecretReference>| {
            let found = reference.map(|reference| secrets.find(reference)).transpose();
            found
                .map_err(|reason| missing.push((member, reason)))
                .ok()
                .flatten()
        };
        let identity = transport.identity.as_ref();
        let login = transport.proxy.as_ref().and_then(|proxy| proxy.login.as_ref());
        let found = Self {
            ca: find("tls.ca", transport.ca.as_ref().and_then(MaybeSecret::reference)),
            certificate: find(
                "tls.certificate",
                identity.and_then(|identity| identity.certificate.reference()),
            ),
            key: find("tls.key", identity.map(|identity| &identity.key)),
            username: find("proxy.username", login.and_then(|(name, _)| name.reference())),
            password: find("proxy.password", login.map(|(_, password)| password)),
        };
        if missing.is_empty() {
            Ok(found)
        } else {
            Err(missing)
        }
    }

    /// Whether nothing has changed.
    pub(crate) fn is_like(&self, other: &Self) -> bool {
        let same = |a: &Option<Arc<Secret>>, b: &Option<Arc<Secret>>| match (a, b) {
            (None, None) => true,
            (Some(a), Some(b)) => Arc::ptr_eq(a, b) || a.expose_secret() == b.expose_secret(),
            _ => false,
        };
        same(&self.ca, &other.ca)
            && same(&self.certificate, &other.certificate)
            && same(&self.key, &other.key)
            && same(&self.username, &other.username)
            && same(&self.password, &other.password)
    }

    /// What connections are made with: whom they believe and what they show, and the proxy on the way.
    pub(crate) fn dressed(
        &self,
        transport: &Transport,
        trust: &TrustRoots,
    ) -> Result<(ClientConfig, Option<Hop>), Shortcoming> {
        let ca = self.ca(transport).map(pem::authorities).transpose();
        let identity = self
            .identity(transport)
            .map(|(certificate, key)| pem::identity(certificate, key))
            .transpose()
            .map_err(unfit_identity)?;
        let tls = trust.special(ca.map_err(|reason| ("tls.ca", reason))?, identity);
        let hop = match &transport.proxy {
            Some(proxy) => Some(Hop::new(&proxy.address, self.login(transport))?),
            None => None,
        };
        Ok((tls, hop))
    }

    /// Certificate authorities in PEM form.
    fn ca<'a>(&'a self, transport: &'a Transport) -> Option<&'a str> {
        transport.ca.as_ref().map(|ca| text(ca, &self.ca))
    }

    /// Certificate and key in PEM form.
    fn identity<'a>(&'a self, transport: &'a Transport) -> Option<(&'a str, &'a str)> {
        let identity = transport.identity.as_ref()?;
        let key = self.key.as_ref()?;
        Some((
            text(&identity.certificate, &self.certificate),
            key.expose_secret(),
        ))
    }

    /// User and password for the proxy.
    fn login<'a>(&'a self, transport: &'a Transport) -> Option<(&'a str, &'a str)> {
        let (username, _) = transport.proxy.as_ref()?.login.as_ref()?;
        let password = self.password.as_ref()?;
        Some((text(username, &self.username), password.expose_secret()))
    }
}

fn text<'a>(value: &'a MaybeSecret, found: &'a Option<Arc<Secret>>) -> &'a str {
    match (value, found) {
        (MaybeSecret::Plain(text), _) => text,
        (MaybeSecret::Reference(_), Some(secret)) => secret.expose_secret(),
        (MaybeSecret::Reference(_), None) => "",
    }
}

/// What calls would fail for now: secrets that are missing or hold something else than is expected of them. The catalog looks after those of the store.
pub(crate) fn shortcomings(transport: &Transport, secrets: &Secrets) -> Vec<Shortcoming> {
    if transport
        .references()
        .any(|reference| reference.stored().is_some())
    {
        return Vec::new();
    }
    let found = match Found::look_up(transport, secrets) {
        Ok(found) => found,
        Err(missing) => return missing,
    };
    let mut unfit = Vec::new();
    if let Some(Err(reason)) = found.ca(transport).map(pem::authorities) {
        unfit.push(("tls.ca", reason));
    }
    if let Some((certificate, key)) = found.identity(transport)
        && let Err(error) = pem::identity(certificate, key)
    {
        unfit.push(unfit_identity(error));
    }
    unfit
}

fn unfit_identity(error: UnfitIdentity) -> Shortcoming {
    match error {
        UnfitIdentity::Certificate(reason) => ("tls.certificate", reason),
        UnfitIdentity::Key(reason) => ("tls.key", reason),
    }
}
