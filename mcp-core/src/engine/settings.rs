//! What a deployment can set about upstream calls.

mod egress;

pub use egress::{EgressRule, EgressSettings, NoEgressRule};

use super::credentials::{Secrets, Tokens};
use rustls::{ClientConfig, RootCertStore, crypto::ring, pki_types::CertificateDer};
use std::{
    fmt,
    sync::{Arc, OnceLock},
    time::Duration,
};

/// Defaults and bounds for all tools; a definition may choose its own within reason.
#[derive(Clone, Debug)]
pub struct EngineSettings {
    /// Bound of a whole call where the tool has none.
    pub default_timeout: Duration,
    /// Bound of name resolution, connecting and the TLS handshake together.
    pub connect_timeout: Duration,
    /// Bound of a request body where the tool has none.
    pub max_request_bytes: u64,
    /// Bound of an answer's body where the tool has none.
    pub max_response_bytes: u64,
    /// Idle connections kept per upstream.
    pub max_idle_per_host: usize,
    /// How long they are kept.
    pub idle_timeout: Duration,
    /// Which addresses may be reached.
    pub egress: EgressSettings,
    /// Whose certificates are believed.
    pub trust: TrustRoots,
    /// Where secrets of definitions are looked up.
    pub secrets: Secrets,
    /// Access tokens for upstreams.
    pub tokens: Tokens,
}

impl Default for EngineSettings {
    fn default() -> Self {
        Self {
            default_timeout: Duration::from_secs(15),
            connect_timeout: Duration::from_secs(5),
            max_request_bytes: 1 << 20,
            max_response_bytes: 8 << 20,
            max_idle_per_host: 64,
            idle_timeout: Duration::from_secs(30),
            egress: EgressSettings::default(),
            trust: TrustRoots::native(),
            secrets: Secrets::default(),
            tokens: Tokens::default(),
        }
    }
}

/// Certificate authorities for TLS upstreams. Clones share what was loaded, so clone the settings for each engine.
#[derive(Clone, Default)]
pub struct TrustRoots {
    extra: Arc<[CertificateDer<'static>]>,
    config: Arc<OnceLock<Arc<ClientConfig>>>,
}

impl TrustRoots {
    /// The operating system's, read once, when the first engine is made.
    pub fn native() -> Self {
        Self::default()
    }

    /// Only these, in DER.
    pub fn only(certificates: impl IntoIterator<Item = Vec<u8>>) -> Self {
        let extra = certificates.into_iter().map(CertificateDer::from).collect();
        Self {
            extra,
            config: Arc::default(),
        }
    }

    pub(super) fn config(&self) -> Arc<ClientConfig> {
        self.config.get_or_init(|| Arc::new(self.load())).clone()
    }

    fn load(&self) -> ClientConfig {
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
        let versions = rustls::DEFAULT_VERSIONS;
        let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
        match builder.with_protocol_versions(versions) {
            Ok(builder) => builder.with_root_certificates(roots).with_no_client_auth(),
            // `ring` has cipher suites for all default versions; this is what rustls does by default.
            Err(_) => ClientConfig::builder()
                .with_root_certificates(roots)
                .with_no_client_auth(),
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
