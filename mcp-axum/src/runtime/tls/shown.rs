//! What the client of a connection has shown, as lists of revoked certificates name it.

use super::Revoked;
use rustls::pki_types::CertificateDer;
use std::sync::OnceLock;
use x509_parser::prelude::{FromDer, X509Certificate};

/// Its certificates, its own first; known after the handshake.
#[derive(Default)]
pub(crate) struct Shown(OnceLock<Vec<Named>>);

struct Named {
    issuer: Box<[u8]>,
    serial: Box<[u8]>,
}

impl Shown {
    /// Called once, after the handshake.
    pub(crate) fn set(&self, chain: &[CertificateDer<'_>]) {
        let named = chain.iter().filter_map(|der| {
            let (_, certificate) = X509Certificate::from_der(der).ok()?;
            Some(Named {
                issuer: certificate.issuer().as_raw().into(),
                serial: certificate.raw_serial().into(),
            })
        });
        // A connection has one handshake.
        let _ = self.0.set(named.collect());
    }

    /// The serial number of the first one that has been revoked.
    pub(crate) fn in_list(&self, revoked: &Revoked) -> Option<String> {
        let named = self.0.get()?.iter();
        let found = named
            .into_iter()
            .find(|named| revoked.has(&named.issuer, &named.serial))?;
        Some(found.serial.iter().map(|byte| format!("{byte:02x}")).collect())
    }
}
