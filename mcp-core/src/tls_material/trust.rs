//! Whose certificates are believed.

use rustls::{
    ClientConfig, RootCertStore,
    client::ResolvesClientCert,
    crypto::ring,
    pki_types::CertificateDer,
    sign::{CertifiedKey, SingleCertAndKey},
};
use std::{
    fmt,
    sync::{Arc, OnceLock},
};

/// Certificate authorities for TLS upstreams. Clones share what was loaded, so clone the settings for each engine.
#[derive(Clone, Default)]
pub struct TrustRoots {
    extra: Arc<[CertificateDer<'static>]>,
    roots: Arc<OnceLock<Arc<RootCertStore>>>,
    config: Arc<OnceLock<Arc<ClientConfig>>>,
}

impl TrustRoots {
    /// The operating system's, read once, when the first engine is made.
    pub fn native() -> Self {
        Self::default()
    }

    /// Roots that are only these certificates, in DER.
    pub fn only(certificates: impl IntoIterator<Item = Vec<u8>>) -> Self {
        Self {
            extra: certificates.into_iter().map(CertificateDer::from).collect(),
            ..Self::default()
        }
    }

    /// The configuration for the calls of all tools that have no `tls` of their own.
    pub(crate) fn config(&self) -> Arc<ClientConfig> {
        let config = self.config.get_or_init(|| Arc::new(config(self.roots(), None)));
        config.clone()
    }

    /// A configuration with other authorities than these, or with a client certificate. TLS sessions are resumed only among
    /// connections of one such configuration.
    pub(crate) fn special(
        &self,
        ca: Option<RootCertStore>,
        identity: Option<Arc<CertifiedKey>>,
    ) -> ClientConfig {
        config(ca.map_or_else(|| self.roots(), Arc::new), identity)
    }

    fn roots(&self) -> Arc<RootCertStore> {
        self.roots.get_or_init(|| Arc::new(self.load())).clone()
    }

    fn load(&self) -> RootCertStore {
        let mut roots = RootCertStore::empty();
        if self.extra.is_empty() {
            let found = rustls_native_certs::load_native_certs();
            let (_, ignored) = roots.add_parsable_certificates(found.certs);
            if roots.is_empty() {
                let errors = found.errors;
                tracing::warn!(
                    ?errors,
                    ignored,
                    "no certificate authorities found: calls to https upstreams will fail"
                );
            }
        } else {
            roots.add_parsable_certificates(self.extra.iter().cloned());
        }
        roots
    }
}

fn config(roots: Arc<RootCertStore>, identity: Option<Arc<CertifiedKey>>) -> ClientConfig {
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let builder = match builder.with_protocol_versions(rustls::DEFAULT_VERSIONS) {
        Ok(builder) => builder,
        // `ring` has cipher suites for all default versions; this is what rustls does by default.
        Err(_) => ClientConfig::builder(),
    };
    let builder = builder.with_root_certificates(roots);
    match identity {
        None => builder.with_no_client_auth(),
        Some(identity) => {
            let resolver: Arc<dyn ResolvesClientCert> = Arc::new(SingleCertAndKey::from(identity));
            builder.with_client_cert_resolver(resolver)
        }
    }
}

impl fmt::Debug for TrustRoots {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.extra.is_empty() {
            "TrustRoots(native)"
        } else {
            "TrustRoots(only given)"
        })
    }
}
