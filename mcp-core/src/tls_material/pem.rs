//! PEM texts to certificates and keys. Reasons never repeat what was read.

use rustls::{
    RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    sign::CertifiedKey,
};
use std::sync::Arc;

/// Why a client identity cannot be used, and which of its two texts is to blame.
#[derive(Debug, PartialEq, Eq)]
pub enum UnfitIdentity {
    /// What is wrong with the certificate.
    Certificate(String),
    /// What is wrong with the key, or that it is that of another certificate.
    Key(String),
}

/// All certificates of the text, at least one.
pub(crate) fn certificates(pem: &str) -> Result<Vec<CertificateDer<'static>>, String> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
    let found = found.map_err(|error| format!("is not PEM: {error}"))?;
    if found.is_empty() {
        let hint = if pem.trim_start().starts_with('/') {
            "; a file is referred to as \"${file:/path}\""
        } else {
            ""
        };
        return Err(format!(
            "has no certificate in PEM form (-----BEGIN CERTIFICATE-----){hint}"
        ));
    }
    Ok(found)
}

/// Certificates whose signatures are believed.
pub fn authorities(pem: &str) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    for (place, certificate) in certificates(pem)?.into_iter().enumerate() {
        roots.add(certificate).map_err(|error| {
            format!(
                "has as number {} a certificate that cannot be used: {error}",
                place + 1
            )
        })?;
    }
    Ok(roots)
}

/// A certificate with the key that fits it.
pub fn identity(certificate: &str, key: &str) -> Result<Arc<CertifiedKey>, UnfitIdentity> {
    let chain = certificates(certificate).map_err(UnfitIdentity::Certificate)?;
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).map_err(|_| {
        let reason = if key.contains("ENCRYPTED") {
            "has a private key that is encrypted; write it unencrypted into a file that only the gateway can read"
        } else {
            "has no private key in PEM form (PKCS #8, PKCS #1 or SEC 1)"
        };
        UnfitIdentity::Key(reason.to_owned())
    })?;
    CertifiedKey::from_der(chain, key, &ring::default_provider())
        .map(Arc::new)
        .map_err(|error| match error {
            rustls::Error::InconsistentKeys(_) => {
                UnfitIdentity::Key("is not the private key of `certificate`".to_owned())
            }
            rustls::Error::InvalidCertificate(error) => {
                UnfitIdentity::Certificate(format!("has a certificate that cannot be used: {error:?}"))
            }
            error => UnfitIdentity::Key(format!("cannot be used: {error}")),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_certificate_or_not_its_key_is_told_apart() {
        let one = rcgen::generate_simple_self_signed(["a".to_owned()]).unwrap();
        let other = rcgen::generate_simple_self_signed(["a".to_owned()]).unwrap();
        let (certificate, key) = (one.cert.pem(), one.signing_key.serialize_pem());
        assert!(identity(&certificate, &key).is_ok());
        assert_eq!(
            authorities(&format!("{certificate}\n{}", other.cert.pem()))
                .unwrap()
                .len(),
            2
        );

        let wrong_key = identity(&certificate, &other.signing_key.serialize_pem()).unwrap_err();
        assert_eq!(
            wrong_key,
            UnfitIdentity::Key("is not the private key of `certificate`".into())
        );
        let swapped = identity(&key, &certificate).unwrap_err();
        assert!(matches!(swapped, UnfitIdentity::Certificate(reason) if reason.contains("no certificate")));
        let encrypted = identity(
            &certificate,
            "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n",
        );
        assert!(matches!(encrypted, Err(UnfitIdentity::Key(reason)) if reason.contains("is encrypted")));

        assert!(certificates("/etc/ca.pem").unwrap_err().contains("${file:/path}"));
        let broken = "-----BEGIN CERTIFICATE-----\n%%\n-----END CERTIFICATE-----\n";
        assert!(certificates(broken).unwrap_err().starts_with("is not PEM"));
        let no_certificate = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        assert!(
            authorities(no_certificate)
                .unwrap_err()
                .starts_with("has as number 1")
        );
    }
}
