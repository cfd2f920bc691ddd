//! Opens connections: TCP, then TLS where the scheme says so, all within the connect timeout.

use super::egress::{self, Forbidden, Resolver};
use crate::engine::{EgressSettings, EngineSettings};
use http::Uri;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder, MaybeHttpsStream};
use hyper_util::{client::legacy::connect::HttpConnector, rt::TokioIo};
use std::{
    error::Error as StdError,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};
use tokio::net::TcpStream;
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

/// Makes connections for the pool.
#[derive(Clone, Debug)]
pub(super) struct Connector {
    inner: HttpsConnector<HttpConnector<Resolver>>,
    timeout: Duration,
    egress: Arc<EgressSettings>,
}

impl Connector {
    pub(super) fn new(settings: &EngineSettings) -> Self {
        let egress = Arc::new(settings.egress.clone());
        let mut tcp = HttpConnector::new_with_resolver(Resolver::new(egress.clone()));
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_keepalive(Some(Duration::from_secs(60)));
        let inner = HttpsConnectorBuilder::new()
            .with_tls_config((*settings.trust.config()).clone())
            .https_or_http()
            .enable_all_versions()
            .wrap_connector(tcp);
        Self {
            inner,
            timeout: settings.connect_timeout,
            egress,
        }
    }
}

impl Service<Uri> for Connector {
    type Response = MaybeHttpsStream<TokioIo<TcpStream>>;
    type Error = ConnectError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, ConnectError>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), ConnectError>> {
        self.inner.poll_ready(context).map_err(ConnectError::Other)
    }

    fn call(&mut self, target: Uri) -> Self::Future {
        if let Err(forbidden) = egress::check_literal(&self.egress, target.host().unwrap_or_default()) {
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
