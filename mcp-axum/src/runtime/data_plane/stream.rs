//! What a socket carries: bytes as they are, or TLS. The handshake is part of the first reading.

use crate::runtime::tls::{Shown, read_certificate};
use mcp_core::peer::Peer;
use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};
use tokio_rustls::{Accept, TlsAcceptor, server::TlsStream};

pub(super) enum Stream {
    Plain(TcpStream),
    Handshake(Box<Accept<TcpStream>>, Guest),
    Tls(Box<TlsStream<TcpStream>>),
    /// The handshake came to nothing.
    Over,
}

/// Who learns whose certificate the client has.
pub(super) struct Guest {
    pub(super) peer: Arc<Peer>,
    /// Where it may be taken back.
    pub(super) shown: Option<Arc<Shown>>,
}

impl Guest {
    fn arrives(&self, stream: &TlsStream<TcpStream>) {
        let Some(chain) = stream.get_ref().1.peer_certificates() else {
            return;
        };
        let own = chain.first().and_then(|own| read_certificate(own));
        own.into_iter().for_each(|own| self.peer.show(own));
        if let Some(shown) = &self.shown {
            shown.set(chain);
        }
    }
}

impl Stream {
    pub(super) fn tls(acceptor: &TlsAcceptor, stream: TcpStream, guest: Guest) -> Self {
        Self::Handshake(Box::new(acceptor.accept(stream)), guest)
    }

    pub(super) fn is_shaking_hands(&self) -> bool {
        matches!(self, Self::Handshake(..))
    }

    fn poll_open(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Plain(_) | Self::Tls(_) => return Poll::Ready(Ok(())),
            Self::Over => return Poll::Ready(Err(io::ErrorKind::NotConnected.into())),
            Self::Handshake(accept, guest) => match ready!(Pin::new(&mut **accept).poll(context)) {
                Ok(stream) => {
                    guest.arrives(&stream);
                    *self = Self::Tls(Box::new(stream));
                }
                Err(error) => {
                    tracing::debug!(client = ?guest.peer.address(), %error, "a handshake of TLS came to nothing");
                    *self = Self::Over;
                    return Poll::Ready(Err(error));
                }
            },
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        ready!(self.poll_open(context))?;
        match &mut *self {
            Self::Plain(stream) => Pin::new(stream).poll_read(context, buffer),
            Self::Tls(stream) => Pin::new(stream).poll_read(context, buffer),
            Self::Handshake(..) | Self::Over => Poll::Ready(Ok(())),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_open(context))?;
        match &mut *self {
            Self::Plain(stream) => Pin::new(stream).poll_write(context, bytes),
            Self::Tls(stream) => Pin::new(stream).poll_write(context, bytes),
            Self::Handshake(..) | Self::Over => Poll::Ready(Ok(0)),
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_open(context))?;
        match &mut *self {
            Self::Plain(stream) => Pin::new(stream).poll_write_vectored(context, pieces),
            Self::Tls(stream) => Pin::new(stream).poll_write_vectored(context, pieces),
            Self::Handshake(..) | Self::Over => Poll::Ready(Ok(0)),
        }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut *self {
            Self::Plain(stream) => Pin::new(stream).poll_flush(context),
            Self::Tls(stream) => Pin::new(stream).poll_flush(context),
            // There is nothing yet.
            Self::Handshake(..) | Self::Over => Poll::Ready(Ok(())),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut *self {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(context),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(context),
            Self::Handshake(..) | Self::Over => {
                *self = Self::Over;
                Poll::Ready(Ok(()))
            }
        }
    }
}
