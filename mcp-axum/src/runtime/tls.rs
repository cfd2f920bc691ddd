//! TLS for whoever connects: certificate, key, the authorities of clients and what these took back, out of files that are read again when they
//! change.

mod acceptors;
mod certificate;
mod material;
mod revoked;
mod shown;

use crate::settings::{AppSettings, ClientCertificates, TlsSettings};
use acceptors::Acceptors;
pub(crate) use certificate::read as read_certificate;
use material::Material;
pub(crate) use revoked::Revoked;
pub(crate) use shown::Shown;
use std::{sync::Arc, time::Duration};
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

/// How often it is looked whether the files changed.
const LOOK: Duration = Duration::from_secs(2);

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
    let has_lists = !settings.tls.client_revocation_lists.is_empty();
    let reason = match settings.tls.client_authorities {
        Some(_) => return None,
        None if wants_them => "must be given where `app.authenticators` has `mtls`",
        None if is_required => "must be given where `app.tls.client_certificates` is \"required\"",
        None if has_lists => "must be given where `app.tls.client_revocation_lists` has lists",
        None => return None,
    };
    let what = "a file with the authorities that sign certificates of clients, PEM";
    Some(wrong("app.tls.client_authorities", format!("{reason}: {what}")))
}

/// What keeps certificates of clients out that nobody revoked: lists whose time is over, authorities without one. It is no reason not to start.
pub(crate) fn warnings(settings: &TlsSettings) -> Vec<String> {
    match Tls::open(settings) {
        Ok(Some(tls)) => tls.revoked().warnings(),
        _ => Vec::new(),
    }
}

/// What connections are opened with from now on.
pub(crate) struct Tls {
    settings: TlsSettings,
    now: watch::Sender<Now>,
}

struct Now {
    material: Material,
    acceptors: Acceptors,
    revoked: Arc<Revoked>,
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
        self.now.borrow().acceptors.clients.clone()
    }

    /// For operators, whose probes have no certificates.
    pub(crate) fn operators(&self) -> TlsAcceptor {
        self.now.borrow().acceptors.operators.clone()
    }

    /// What authorities have taken back.
    pub(crate) fn revoked(&self) -> Arc<Revoked> {
        self.now.borrow().revoked.clone()
    }

    /// Where a connection notes whose it is, so that it can be closed when that is taken back. `None` where nothing can be.
    pub(crate) fn shown(&self) -> Option<Arc<Shown>> {
        (!self.settings.client_revocation_lists.is_empty()).then(Arc::default)
    }

    /// Follows the files, for ever. What cannot be used changes nothing.
    pub(crate) async fn follow(self: Arc<Self>) {
        let (mut said, mut warned) = (None, Vec::new());
        loop {
            tokio::time::sleep(LOOK).await;
            let this = self.clone();
            let looked = tokio::task::spawn_blocking(move || this.look()).await;
            match looked {
                Ok(Ok(changed)) => {
                    if changed || said.is_some() {
                        tracing::info!("new connections have what is in the files of `app.tls` now");
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
            let warnings = self.revoked().warnings();
            if warnings != warned {
                warnings
                    .iter()
                    .for_each(|warning| tracing::error!("app.tls.client_revocation_lists: {warning}"));
                warned = warnings;
            }
        }
    }

    fn look(&self) -> Result<bool, TlsError> {
        let Some(material) = Material::read(&self.settings)? else {
            return Ok(false);
        };
        if self.now.borrow().material == material {
            return Ok(false);
        }
        self.now.send_replace(Now::of(material, &self.settings)?);
        Ok(true)
    }
}

impl Now {
    fn of(material: Material, settings: &TlsSettings) -> Result<Self, TlsError> {
        let revoked = match &material.client_authorities {
            Some(authorities) => Revoked::read(&material.client_revocation_lists, authorities)?,
            None => Revoked::default(),
        };
        let is_required = settings.client_certificates == ClientCertificates::Required;
        Ok(Self {
            acceptors: Acceptors::new(&material, &revoked, is_required)?,
            revoked: Arc::new(revoked),
            material,
        })
    }
}

fn wrong(key: &'static str, reason: impl Into<String>) -> TlsError {
    TlsError {
        key,
        reason: reason.into(),
    }
}
