//! TLS for whoever connects: certificate, key and the authorities of clients, out of files that are read again when they change.

mod certificate;

use crate::settings::{AppSettings, ClientCertificates, TlsSettings};
pub(crate) use certificate::read as read_certificate;
use mcp_common::problem::innermost_cause;
use mcp_core::tls_material::{UnfitIdentity, authorities, identity};
use rustls::{
    ServerConfig,
    crypto::ring,
    server::{NoClientAuth, WebPkiClientVerifier, danger::ClientCertVerifier},
    sign::SingleCertAndKey,
    version::{TLS12, TLS13},
};
use std::{fs, sync::Arc, time::Duration};
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

/// How often it is looked whether the files changed.
const LOOK: Duration = Duration::from_secs(2);
/// Protocols over it, as ALPN names them.
const PROTOCOLS: [&[u8]; 2] = [b"h2", b"http/1.1"];

/// Why there is no TLS, and which setting or file is to blame.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{key}: {reason}")]
pub struct TlsError {
    key: &'static str,
    reason: String,
}

/// Certificates of clients that nobody verifies are none.
pub(crate) fn problem(settings: &AppSettings) -> Option<TlsError> {
    let wants_them = settings.authenticators.iter().any(|name| name == "mtls");
    let is_required = settings.tls.client_certificates == ClientCertificates::Required;
    let reason = match settings.tls.client_authorities {
        Some(_) => return None,
        None if wants_them => "must be given where `app.authenticators` has `mtls`",
        None if is_required => "must be given where `app.tls.client_certificates` is \"required\"",
        None => return None,
    };
    let what = "a file with the authorities that sign certificates of clients, PEM";
    Some(wrong("app.tls.client_authorities", format!("{reason}: {what}")))
}

/// What connections are opened with from now on.
pub(crate) struct Tls {
    settings: TlsSettings,
    now: watch::Sender<Now>,
}

#[derive(Clone)]
struct Now {
    material: Arc<Material>,
    clients: TlsAcceptor,
    operators: TlsAcceptor,
}

/// What the files have.
#[derive(PartialEq, Eq)]
struct Material {
    certificate: String,
    key: String,
    client_authorities: Option<String>,
}

impl Tls {
    /// `None` where none is wanted.
    pub(crate) fn open(settings: &TlsSettings) -> Result<Option<Arc<Self>>, TlsError> {
        let Some(material) = Material::read(settings)? else {
            return Ok(None);
        };
        let now = Now::of(material, settings)?;
        Ok(Some(Arc::new(Self {
            settings: settings.clone(),
            now: watch::Sender::new(now),
        })))
    }

    /// For clients.
    pub(crate) fn clients(&self) -> TlsAcceptor {
        self.now.borrow().clients.clone()
    }

    /// For operators, whose probes have no certificates.
    pub(crate) fn operators(&self) -> TlsAcceptor {
        self.now.borrow().operators.clone()
    }

    /// Follows the files, for ever. What cannot be used changes nothing.
    pub(crate) async fn follow(self: Arc<Self>) {
        let mut said = None;
        loop {
            tokio::time::sleep(LOOK).await;
            let this = self.clone();
            let looked = tokio::task::spawn_blocking(move || this.look()).await;
            match looked {
                Ok(Ok(changed)) => {
                    if changed || said.is_some() {
                        tracing::info!(
                            "new connections have the certificate that is in `app.tls.certificate` now"
                        );
                    }
                    said = None;
                }
                Ok(Err(error)) => {
                    if said.as_ref() != Some(&error) {
                        tracing::error!(%error, "the files of TLS cannot be used; connections go on with what was there before");
                        said = Some(error);
                    }
                }
                Err(panicked) => tracing::error!(%panicked, "the files of TLS were not read"),
            }
        }
    }

    fn look(&self) -> Result<bool, TlsError> {
        let Some(material) = Material::read(&self.settings)? else {
            return Ok(false);
        };
        if *self.now.borrow().material == material {
            return Ok(false);
        }
        self.now.send_replace(Now::of(material, &self.settings)?);
        Ok(true)
    }
}

impl Now {
    fn of(material: Material, settings: &TlsSettings) -> Result<Self, TlsError> {
        let is_required = settings.client_certificates == ClientCertificates::Required;
        Ok(Self {
            clients: acceptor(&material, is_required)?,
            operators: acceptor(&material, false)?,
            material: Arc::new(material),
        })
    }
}

impl Material {
    fn read(settings: &TlsSettings) -> Result<Option<Self>, TlsError> {
        let (certificate, key) = match (&settings.certificate, &settings.key) {
            (Some(certificate), Some(key)) => (certificate, key),
            (None, None) if settings.client_authorities.is_none() => return Ok(None),
            (None, _) => {
                return Err(wrong(
                    "app.tls.certificate",
                    "must be given, too: a file with the certificate and those between it and an authority, PEM",
                ));
            }
            (_, None) => {
                return Err(wrong(
                    "app.tls.key",
                    "must be given, too: a file with the private key, PEM",
                ));
            }
        };
        let read = |key: &'static str, path: &str| {
            fs::read_to_string(path)
                .map_err(|error| wrong(key, format!("{path}: {}", innermost_cause(&error))))
        };
        let authorities = settings.client_authorities.as_deref();
        Ok(Some(Self {
            certificate: read("app.tls.certificate", certificate)?,
            key: read("app.tls.key", key)?,
            client_authorities: authorities
                .map(|path| read("app.tls.client_authorities", path))
                .transpose()?,
        }))
    }
}

fn acceptor(material: &Material, is_required: bool) -> Result<TlsAcceptor, TlsError> {
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
            let builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone());
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
    Ok(TlsAcceptor::from(Arc::new(config)))
}

fn wrong(key: &'static str, reason: impl Into<String>) -> TlsError {
    TlsError {
        key,
        reason: reason.into(),
    }
}
