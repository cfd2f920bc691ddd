//! Opens connections: TCP, then TLS where the scheme says so, all within the connect timeout.

use super::{
    dial::{Dial, Dialled},
    egress::{self, Forbidden, Policy},
    hop::Hop,
};
use crate::{
    engine::EngineSettings,
    tool::{NamedServer, Transport},
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
pub(super) enum ConnectError {
    #[error("no connection within {0:?}")]
    Timeout(Duration),
    #[error("{0}")]
    Forbidden(Forbidden),
    #[error("{0}")]
    Other(BoxError),
}

/// Makes connections for one pool.
#[derive(Clone, Debug)]
pub(super) struct Connector {
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
            .is_some_and(|host| host.eq_ignore_ascii_case(&self.0.host))
        {
            return Ok(self.0.name.clone());
        }
        DefaultServerNameResolver::default().resolve(uri)
    }
}

impl Connector {
    pub(super) fn new(settings: &EngineSettings) -> Self {
        let tls = (*settings.trust.config()).clone();
        Self::special(settings, tls, &Transport::default(), None)
    }

    pub(super) fn special(
        settings: &EngineSettings,
        tls: ClientConfig,
        transport: &Transport,
        hop: Option<Arc<Hop>>,
    ) -> Self {
        let egress = Arc::new(Policy {
            gateway: settings.egress.clone(),
            own: transport.egress.clone(),
        });
        let is_proxied = hop.is_some();
        let builder = HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http();
        let builder = match &transport.server_name {
            Some(server) => builder.with_server_name_resolver(Named(server.clone())),
            None => builder,
        };
        Self {
            inner: builder
                .enable_all_versions()
                .wrap_connector(Dial::new(egress.clone(), hop)),
            timeout: transport.connect_timeout.unwrap_or(settings.connect_timeout),
            egress,
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
            egress::check_unresolved(&self.egress, host)
        } else {
            egress::check_literal(&self.egress, host)
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
