//! Opens connections: TCP, then TLS where the scheme says so, all within the connect timeout.

use super::{
    dial::{Dial, Dialled},
    hop::Hop,
    policy::{self, Forbidden, Policy},
};
use http::Uri;
use hyper_rustls::{
    DefaultServerNameResolver, HttpsConnector, HttpsConnectorBuilder, MaybeHttpsStream, ResolveServerName,
};
use rustls::{ClientConfig, pki_types::ServerName};
use std::{
    error::Error as StdError,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};
use tower_service::Service;

type BoxError = Box<dyn StdError + Send + Sync>;

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConnectError {
    #[error("no connection within {0:?}")]
    Timeout(Duration),
    #[error("{0}")]
    Forbidden(Forbidden),
    #[error("{0}")]
    Other(BoxError),
}

/// The name in the certificates of these hosts, in lower case; others keep their own.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct NamedServer {
    pub(crate) hosts: Vec<String>,
    pub(crate) name: ServerName<'static>,
}

/// How the connections of one pool are made.
#[derive(Clone, Debug)]
pub(crate) struct ConnectSettings {
    /// Which addresses may be reached.
    pub(crate) egress: Arc<Policy>,
    /// Another name in the certificates of some hosts.
    pub(crate) server_name: Option<NamedServer>,
    /// Bound of name resolution, connecting and the TLS handshake together.
    pub(crate) timeout: Duration,
}

/// Makes connections for one pool.
#[derive(Clone, Debug)]
pub(crate) struct Connector {
    inner: HttpsConnector<Dial>,
    timeout: Duration,
    egress: Arc<Policy>,
    is_proxied: bool,
}

/// Another name than the host's in the certificate of one upstream.
#[derive(Debug)]
struct Named(NamedServer);

impl ResolveServerName for Named {
    fn resolve(&self, uri: &Uri) -> Result<ServerName<'static>, BoxError> {
        if uri
            .host()
            .is_some_and(|host| self.0.hosts.iter().any(|named| host.eq_ignore_ascii_case(named)))
        {
            return Ok(self.0.name.clone());
        }
        DefaultServerNameResolver::default().resolve(uri)
    }
}

impl Connector {
    pub(crate) fn new(settings: ConnectSettings, tls: ClientConfig, hop: Option<Arc<Hop>>) -> Self {
        Self::making(settings, tls, hop, true)
    }

    /// Connections that turn into something else than HTTP.
    pub(crate) fn of_http1(settings: ConnectSettings, tls: ClientConfig, hop: Option<Arc<Hop>>) -> Self {
        Self::making(settings, tls, hop, false)
    }

    fn making(
        settings: ConnectSettings,
        tls: ClientConfig,
        hop: Option<Arc<Hop>>,
        may_be_http2: bool,
    ) -> Self {
        let is_proxied = hop.is_some();
        let dial = Dial::new(settings.egress.clone(), hop);
        let builder = HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http();
        let builder = match settings.server_name {
            Some(server) => builder.with_server_name_resolver(Named(server)),
            None => builder,
        };
        Self {
            inner: match may_be_http2 {
                true => builder.enable_all_versions().wrap_connector(dial),
                false => builder.enable_http1().wrap_connector(dial),
            },
            timeout: settings.timeout,
            egress: settings.egress,
            is_proxied,
        }
    }
}

impl Service<Uri> for Connector {
    type Response = MaybeHttpsStream<Dialled>;
    type Error = ConnectError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, ConnectError>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), ConnectError>> {
        self.inner.poll_ready(context).map_err(ConnectError::Other)
    }

    fn call(&mut self, target: Uri) -> Self::Future {
        let host = target.host().unwrap_or_default();
        let checked = if self.is_proxied {
            policy::check_unresolved(&self.egress, host)
        } else {
            policy::check_literal(&self.egress, host)
        };
        if let Err(forbidden) = checked {
            return Box::pin(std::future::ready(Err(ConnectError::Forbidden(forbidden))));
        }
        let connecting = self.inner.call(target);
        let timeout = self.timeout;
        Box::pin(async move {
            match tokio::time::timeout(timeout, connecting).await {
                Ok(connected) => connected.map_err(ConnectError::Other),
                Err(_) => Err(ConnectError::Timeout(timeout)),
            }
        })
    }
}
