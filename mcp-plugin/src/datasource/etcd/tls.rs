//! The files that a TLS connection needs.

use mcp_common::plugin::{PluginError, Table};
use std::fmt;
use tonic::transport::{Certificate, ClientTlsConfig, Identity};

/// What the files contain.
#[derive(Clone)]
pub(super) struct Files {
    options: ClientTlsConfig,
    has_identity: bool,
}

impl fmt::Debug for Files {
    /// Leaves the texts out: one of them is a private key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Files").finish_non_exhaustive()
    }
}

impl Files {
    /// `None` where no endpoint is `https`.
    pub(super) fn read(table: &Table<'_>, secure: bool) -> Result<Option<Self>, PluginError> {
        let ca = file(table, "ca_file")?;
        let certificate = file(table, "cert_file")?;
        let key = file(table, "key_file")?;
        let server_name = table.text("server_name")?;
        if !secure {
            let set = ["ca_file", "cert_file", "key_file", "server_name"];
            return match set.into_iter().find(|name| table.get(name).is_some()) {
                Some(name) => Err(table.wrong(name, "is set, but no endpoint starts with https://")),
                None => Ok(None),
            };
        }
        let mut options = match ca {
            Some(ca) => ClientTlsConfig::new().ca_certificate(Certificate::from_pem(ca)),
            None => ClientTlsConfig::new().with_native_roots(),
        };
        if let Some(name) = server_name {
            options = options.domain_name(name);
        }
        let has_identity = certificate.is_some();
        options = match (certificate, key) {
            (None, None) => options,
            (Some(certificate), Some(key)) => options.identity(Identity::from_pem(certificate, key)),
            (Some(_), None) => return Err(table.wrong("key_file", "is missing; `cert_file` is set")),
            (None, Some(_)) => return Err(table.wrong("cert_file", "is missing; `key_file` is set")),
        };
        Ok(Some(Self {
            options,
            has_identity,
        }))
    }

    /// Whether they name us to the server.
    pub(super) fn has_identity(&self) -> bool {
        self.has_identity
    }

    pub(super) fn options(&self) -> ClientTlsConfig {
        self.options.clone()
    }
}

fn file(table: &Table<'_>, name: &str) -> Result<Option<Vec<u8>>, PluginError> {
    let Some(path) = table.text(name)? else {
        return Ok(None);
    };
    let content = std::fs::read(path)
        .map_err(|error| table.wrong(name, format!("`{path}` cannot be read ({error})")))?;
    let pem = content.windows(11).any(|window| window == b"-----BEGIN ");
    if !pem {
        return Err(table.wrong(name, format!("`{path}` is not a PEM file")));
    }
    Ok(Some(content))
}
