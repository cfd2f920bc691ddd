//! Certificates that their authorities have taken back: lists (CRLs, RFC 5280), each signed by the authority that it is of.

mod list;

use super::{TlsError, material::ListFile};
use list::{Judge, List, Serials};
use rustls::pki_types::CertificateRevocationListDer;
use std::collections::{HashMap, HashSet};
use x509_parser::prelude::ASN1Time;

/// What all lists say together.
#[derive(Default)]
pub(crate) struct Revoked {
    lists: Vec<List>,
    /// Serial numbers by issuer, both as they are written in certificates.
    serials: HashMap<Box<[u8]>, HashSet<Box<[u8]>>>,
    /// Names of authorities that no list is of.
    unlisted: Vec<String>,
}

impl Revoked {
    /// `authorities` is PEM that has been found good.
    pub(super) fn read(files: &[ListFile], authorities: &str) -> Result<Self, TlsError> {
        let mut revoked = Self::default();
        if files.is_empty() {
            return Ok(revoked);
        }
        let judge = Judge::new(authorities);
        for file in files {
            for der in file.lists()? {
                let (list, serials) = judge
                    .list(&file.path, der)
                    .map_err(|reason| file.is_wrong(reason))?;
                revoked
                    .add(list, serials)
                    .map_err(|reason| file.is_wrong(reason))?;
            }
        }
        revoked.unlisted = judge.unlisted(&revoked.lists);
        Ok(revoked)
    }

    fn add(&mut self, list: List, serials: Serials) -> Result<(), String> {
        // The verifier looks at the first one alone.
        if let Some(other) = self.lists.iter().find(|other| other.is_of_the_same(&list)) {
            if other.signer != list.signer {
                return Err(format!(
                    "the list of `{}` is not the only one, {} has that of another authority of this name, and only one of the two would be looked at: let certificates come from an authority of another name",
                    list.name, other.path
                ));
            }
            return Err(format!(
                "the list of `{}` is not the only one, {} has another; take the older one out",
                list.name, other.path
            ));
        }
        let of_issuer = self.serials.entry(list.issuer.clone()).or_default();
        of_issuer.extend(serials);
        self.lists.push(list);
        Ok(())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.lists.is_empty()
    }

    pub(super) fn lists(&self) -> impl Iterator<Item = CertificateRevocationListDer<'static>> {
        self.lists.iter().map(|list| list.der.clone())
    }

    pub(super) fn has(&self, issuer: &[u8], serial: &[u8]) -> bool {
        let of_issuer = self.serials.get(issuer);
        of_issuer.is_some_and(|serials| serials.contains(serial))
    }

    /// What keeps certificates out that nobody revoked.
    pub(super) fn warnings(&self) -> Vec<String> {
        let now = ASN1Time::now();
        let over = self.lists.iter().filter(|list| list.end <= now).map(|list| {
            format!(
                "{}: the list of `{}` was good until {}; no certificate of this authority is taken until there is a newer one",
                list.path, list.name, list.end
            )
        });
        let unlisted = self.unlisted.iter().map(|name| {
            format!(
                "there is no list by the key of `{name}`, which stands in `app.tls.client_authorities`: no certificate of it is taken"
            )
        });
        over.chain(unlisted).collect()
    }
}
