//! One list: whose it is, and whether it can be believed.

use crate::runtime::tls::{TlsError, material::ListFile, wrong};
use rustls::{
    RootCertStore,
    crypto::{CryptoProvider, ring},
    pki_types::{CertificateDer, CertificateRevocationListDer, pem::PemObject},
    server::WebPkiClientVerifier,
};
use std::{fmt::Display, sync::Arc};
use x509_parser::{
    oid_registry::OID_X509_EXT_ISSUER_DISTRIBUTION_POINT,
    prelude::{ASN1Time, FromDer, X509Certificate},
    revocation_list::CertificateRevocationList,
};

/// How every DER text of a list begins: a sequence.
const SEQUENCE: u8 = 0x30;

/// Numbers of certificates, as they are written in these.
pub(super) type Serials = Vec<Box<[u8]>>;

pub(super) struct List {
    pub(super) path: String,
    pub(super) der: CertificateRevocationListDer<'static>,
    /// Of its authority, for people.
    pub(super) name: String,
    /// The same, as it is written in certificates.
    pub(super) issuer: Box<[u8]>,
    /// The public key of the authority that signed it: authorities may share a name.
    pub(super) signer: Box<[u8]>,
    /// Which of its authority's certificates it is about; all where nothing is said.
    part: Option<Box<[u8]>>,
    /// When there should be the next one.
    pub(super) end: ASN1Time,
}

/// Who knows whose lists are believed.
pub(super) struct Judge {
    authorities: Vec<CertificateDer<'static>>,
    roots: Arc<RootCertStore>,
    provider: Arc<CryptoProvider>,
}

impl List {
    pub(super) fn is_of_the_same(&self, other: &Self) -> bool {
        self.issuer == other.issuer && self.part == other.part
    }
}

impl Judge {
    pub(super) fn new(authorities: &str) -> Self {
        let authorities = CertificateDer::pem_slice_iter(authorities.as_bytes());
        let authorities: Vec<_> = authorities.filter_map(Result::ok).collect();
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(authorities.iter().cloned());
        Self {
            authorities,
            roots: roots.into(),
            provider: ring::default_provider().into(),
        }
    }

    fn authorities(&self) -> impl Iterator<Item = X509Certificate<'_>> {
        let read = |der| X509Certificate::from_der(der).ok();
        self.authorities.iter().filter_map(move |der| Some(read(der)?.1))
    }

    /// The list, and the serial numbers that it has.
    pub(super) fn list(
        &self,
        path: &str,
        der: CertificateRevocationListDer<'static>,
    ) -> Result<(List, Serials), String> {
        let (_, read) = CertificateRevocationList::from_der(&der)
            .map_err(|_| "has something that is no list of revoked certificates".to_owned())?;
        let name = read.issuer().to_string();
        let end = read.next_update().ok_or_else(|| {
            format!("the list of `{name}` does not say when the next one comes (nextUpdate)")
        })?;
        let mut authorities = self.authorities();
        let signer = authorities.find(|authority| self.has_signed(authority, &read));
        let signer = signer.map(|authority| Box::from(authority.public_key().raw));
        let signer = signer.ok_or_else(|| {
            format!("the list of `{name}` is signed by none of `app.tls.client_authorities`")
        })?;
        // Alone, since the verifier says what it cannot work with, and not in which list.
        WebPkiClientVerifier::builder_with_provider(self.roots.clone(), self.provider.clone())
            .with_crls([der.clone()])
            .build()
            .map_err(|error| format!("the list of `{name}` cannot be used: {error}"))?;
        let mut extensions = read.extensions().iter();
        let part = extensions.find(|extension| extension.oid == OID_X509_EXT_ISSUER_DISTRIBUTION_POINT);
        let serials = read.iter_revoked_certificates();
        let serials = serials.map(|revoked| revoked.raw_serial().into()).collect();
        let list = List {
            path: path.to_owned(),
            issuer: read.issuer().as_raw().into(),
            signer,
            part: part.map(|part| part.value.into()),
            end,
            name,
            der: der.clone(),
        };
        Ok((list, serials))
    }

    /// By whichever algorithm: the verifier holds the list to the one that it names.
    fn has_signed(&self, authority: &X509Certificate<'_>, list: &CertificateRevocationList<'_>) -> bool {
        let key = &authority.public_key().subject_public_key.data;
        let message = list.tbs_cert_list.as_ref();
        let algorithms = self.provider.signature_verification_algorithms.all;
        authority.subject().as_raw() == list.issuer().as_raw()
            && algorithms.iter().any(|algorithm| {
                let verified = algorithm.verify_signature(key, message, &list.signature_value.data);
                verified.is_ok()
            })
    }

    /// Names of the authorities that none of them is of.
    pub(super) fn unlisted(&self, lists: &[List]) -> Vec<String> {
        let is_listed = |authority: &X509Certificate<'_>| {
            let (name, key) = (authority.subject().as_raw(), authority.public_key().raw);
            lists
                .iter()
                .any(|list| *list.issuer == *name && *list.signer == *key)
        };
        let unlisted = self.authorities().filter(|authority| !is_listed(authority));
        unlisted
            .map(|authority| authority.subject().to_string())
            .collect()
    }
}

impl ListFile {
    /// The lists in the file, at least one.
    pub(super) fn lists(&self) -> Result<Vec<CertificateRevocationListDer<'static>>, TlsError> {
        if self.bytes.first() == Some(&SEQUENCE) {
            return Ok(vec![self.bytes.clone().into()]);
        }
        let found: Result<Vec<_>, _> = CertificateRevocationListDer::pem_slice_iter(&self.bytes).collect();
        match found {
            Ok(found) if found.is_empty() => {
                Err(self.is_wrong("has no list of revoked certificates (-----BEGIN X509 CRL-----, or DER)"))
            }
            Ok(found) => Ok(found),
            Err(error) => Err(self.is_wrong(format_args!("is not PEM: {error}"))),
        }
    }

    pub(super) fn is_wrong(&self, reason: impl Display) -> TlsError {
        let reason = format!("{}: {reason}", self.path);
        wrong("app.tls.client_revocation_lists", reason)
    }
}
