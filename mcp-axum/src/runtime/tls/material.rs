//! What the files of `app.tls` have.

use super::{TlsError, wrong};
use crate::settings::TlsSettings;
use mcp_common::problem::innermost_cause;
use std::{
    fs::{self, File},
    io::{self, Read},
};

/// A list of revoked certificates may have so many bytes: some 400,000 entries.
const MOST_OF_A_LIST: u64 = 16 << 20;

#[derive(PartialEq, Eq)]
pub(super) struct Material {
    pub(super) certificate: String,
    pub(super) key: String,
    pub(super) client_authorities: Option<String>,
    pub(super) client_revocation_lists: Vec<ListFile>,
}

/// A file with lists of revoked certificates, PEM or DER.
#[derive(PartialEq, Eq)]
pub(super) struct ListFile {
    pub(super) path: String,
    pub(super) bytes: Vec<u8>,
}

impl Material {
    /// `None` where no TLS is wanted.
    pub(super) fn read(settings: &TlsSettings) -> Result<Option<Self>, TlsError> {
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
        let unreadable = |key: &'static str, path: &str, error: &io::Error| {
            wrong(key, format!("{path}: {}", innermost_cause(error)))
        };
        let read = |key: &'static str, path: &str| {
            fs::read_to_string(path).map_err(|error| unreadable(key, path, &error))
        };
        let lists = settings.client_revocation_lists.iter().map(|path| {
            let bytes =
                bounded(path).map_err(|error| unreadable("app.tls.client_revocation_lists", path, &error))?;
            Ok(ListFile {
                path: path.clone(),
                bytes,
            })
        });
        let authorities = settings.client_authorities.as_deref();
        Ok(Some(Self {
            certificate: read("app.tls.certificate", certificate)?,
            key: read("app.tls.key", key)?,
            client_authorities: authorities
                .map(|path| read("app.tls.client_authorities", path))
                .transpose()?,
            client_revocation_lists: lists.collect::<Result<_, _>>()?,
        }))
    }
}

fn bounded(path: &str) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?
        .take(MOST_OF_A_LIST + 1)
        .read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MOST_OF_A_LIST {
        return Err(io::Error::other("has more than 16 MiB"));
    }
    Ok(bytes)
}
