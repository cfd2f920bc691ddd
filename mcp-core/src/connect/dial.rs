//! TCP connections: to the upstream, or to a proxy that leads there.

use super::{
    hop::Hop,
    policy::{self, Policy, Resolver},
};
use http::{Uri, uri::Scheme};
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::{
    client::legacy::connect::{Connected, Connection, HttpConnector},
    rt::TokioIo,
};
use std::{
    error::Error as StdError,
    future::Future,
    io::{self, IoSlice},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};
use tokio::net::TcpStream;
use tower_service::Service;

type BoxError = Box<dyn StdError + Send + Sync>;

/// Makes connections to addresses that may be called.
#[derive(Clone, Debug)]
pub(super) struct Dial {
    tcp: HttpConnector<Resolver>,
    hop: Option<Arc<Hop>>,
}

/// One connection that was dialled.
#[derive(Debug)]
pub(crate) struct Dialled {
    stream: TokioIo<TcpStream>,
    /// The other end is a proxy that reads requests, so they carry the whole URL.
    is_read_by_proxy: bool,
}

impl Dial {
    pub(super) fn new(egress: Arc<Policy>, hop: Option<Arc<Hop>>) -> Self {
        // The operator has named the proxy; wherever it is, it is meant.
        let egress = if hop.is_some() { Arc::default() } else { egress };
        let mut tcp = HttpConnector::new_with_resolver(Resolver::new(egress));
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_keepalive(Some(Duration::from_secs(60)));
        Self { tcp, hop }
    }
}

impl Service<Uri> for Dial {
    type Response = Dialled;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Dialled, BoxError>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.tcp.poll_ready(context).map_err(Into::into)
    }

    fn call(&mut self, target: Uri) -> Self::Future {
        let Some(hop) = self.hop.clone() else {
            let connecting = self.tcp.call(target);
            return Box::pin(async move {
                Ok(Dialled {
                    stream: connecting.await?,
                    is_read_by_proxy: false,
                })
            });
        };
        let host = hop.uri.host().unwrap_or_default();
        if let Err(forbidden) = policy::check_literal(&Policy::default(), host) {
            let error = hop.forbidden(forbidden);
            return Box::pin(std::future::ready(Err(error.into())));
        }
        let connecting = self.tcp.call(hop.uri.clone());
        Box::pin(async move {
            let stream = connecting.await.map_err(|error| hop.unreachable(&error))?;
            let is_read_by_proxy = target.scheme() == Some(&Scheme::HTTP);
            let stream = if is_read_by_proxy {
                stream
            } else {
                hop.tunnel(stream, &target).await?
            };
            Ok(Dialled {
                stream,
                is_read_by_proxy,
            })
        })
    }
}

impl Connection for Dialled {
    fn connected(&self) -> Connected {
        self.stream.connected().proxy(self.is_read_by_proxy)
    }
}

impl Read for Dialled {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl Write for Dialled {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }
}
