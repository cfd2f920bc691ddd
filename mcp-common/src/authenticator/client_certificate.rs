//! The certificate of a client, after the handshake of TLS.

use std::{sync::Arc, time::SystemTime};

/// A certificate that a configured authority has signed and whose key the client has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientCertificate {
    /// Whom it is for, as rules name it: `subject:CN=billing,O=acme`, `cn:billing`, and alternative names: `dns:…`, `uri:…`, `email:…`.
    pub names: Arc<[String]>,
    /// When it ends.
    pub end: SystemTime,
}

impl ClientCertificate {
    /// What names begin with, before a colon.
    pub const KINDS: [&str; 5] = ["subject", "cn", "dns", "uri", "email"];
}
