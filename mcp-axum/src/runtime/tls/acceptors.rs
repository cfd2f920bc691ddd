//! What makes connections of TLS.

use super::{TlsError, material::Material, revoked::Revoked, wrong};
use mcp_core::tls_material::{UnfitIdentity, authorities, identity};
use rustls::{
    ServerConfig,
    crypto::ring,
    server::{NoClientAuth, NoServerSessionStorage, WebPkiClientVerifier, danger::ClientCertVerifier},
    sign::SingleCertAndKey,
    version::{TLS12, TLS13},
};
use std::sync::Arc;
use tokio_rustls::TlsAcceptor;

/// Protocols over it, as ALPN names them.
const PROTOCOLS: [&[u8]; 2] = [b"h2", b"http/1.1"];

pub(super) struct Acceptors {
    pub(super) clients: TlsAcceptor,
    /// Probes have no certificates.
    pub(super) operators: TlsAcceptor,
}

impl Acceptors {
    /// `is_required`: clients have to have a certificate.
    pub(super) fn new(material: &Material, revoked: &Revoked, is_required: bool) -> Result<Self, TlsError> {
        let operators = acceptor(material, revoked, false)?;
        let clients = match is_required {
            true => acceptor(material, revoked, true)?,
            false => operators.clone(),
        };
        Ok(Self { clients, operators })
    }
}

fn acceptor(material: &Material, revoked: &Revoked, is_required: bool) -> Result<TlsAcceptor, TlsError> {
    let provider = Arc::new(ring::default_provider());
    let own = identity(&material.certificate, &material.key).map_err(|unfit| match unfit {
        UnfitIdentity::Certificate(reason) => wrong("app.tls.certificate", reason),
        UnfitIdentity::Key(reason) => wrong("app.tls.key", reason),
    })?;
    let clients: Arc<dyn ClientCertVerifier> = match &material.client_authorities {
        None => Arc::new(NoClientAuth),
        Some(pem) => {
            let of_file = |reason: String| wrong("app.tls.client_authorities", reason);
            let roots = authorities(pem).map_err(of_file)?;
            // Nobody knows what an authority has taken back since the end of its list.
            let builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone())
                .with_crls(revoked.lists())
                .enforce_revocation_expiration();
            let builder = if is_required {
                builder
            } else {
                builder.allow_unauthenticated()
            };
            builder.build().map_err(|error| of_file(error.to_string()))?
        }
    };
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&TLS13, &TLS12])
        .map_err(|error| wrong("app.tls", error.to_string()))?
        .with_client_cert_verifier(clients)
        .with_cert_resolver(Arc::new(SingleCertAndKey::from(own)));
    config.alpn_protocols = PROTOCOLS.map(<[u8]>::to_vec).into();
    if !revoked.is_empty() {
        // A session that is taken up again shows no certificate, so that one would be good beyond the end of its authority's list.
        config.session_storage = Arc::new(NoServerSessionStorage {});
    }
    Ok(TlsAcceptor::from(Arc::new(config)))
}
