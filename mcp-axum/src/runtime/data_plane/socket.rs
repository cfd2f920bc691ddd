//! The client's end of a connection, as hyper reads and writes it.

use super::{connection::Usage, stream::Stream};
use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// How a connection of HTTP/2 begins.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// So many bytes are written, and about so many read, at once: the system copies them while everything else of the thread waits.
const BURST: usize = 128 << 10;

/// A socket that tells the connection when something came or left.
pub(super) struct Socket {
    stream: Stream,
    usage: Arc<Usage>,
    /// How much of the preface of HTTP/2 has come; `None`: something else has. With all of it what is read is no header of a
    /// request, but frames whose bounds hyper knows.
    preface: Option<usize>,
    written: Turn,
    read: Turn,
}

/// Bytes one way since anything else of this thread had its turn.
#[derive(Default)]
struct Turn(usize);

impl Turn {
    /// Whether others have their turn first, since this client has had much. It goes on right after them.
    fn is_over(&mut self, context: &Context<'_>) -> bool {
        let is_over = self.0 >= BURST;
        if is_over {
            self.0 = 0;
            context.waker().wake_by_ref();
        }
        is_over
    }
}

impl Socket {
    pub(super) fn new(stream: Stream, usage: Arc<Usage>) -> Self {
        if stream.is_shaking_hands() {
            // It is the client's turn, as where a header has begun.
            usage.read();
        }
        Self {
            stream,
            usage,
            preface: Some(0),
            written: Turn::default(),
            read: Turn::default(),
        }
    }

    fn came(&mut self, bytes: &[u8]) {
        if let Some(seen) = self.preface {
            let rest = &PREFACE[seen..];
            let size = rest.len().min(bytes.len());
            self.preface = (rest[..size] == bytes[..size]).then_some(seen + size);
        }
        if self.preface == Some(PREFACE.len()) {
            self.usage.no_head();
        } else if !bytes.is_empty() {
            self.usage.read();
        }
    }

    fn note(&mut self, wrote: &Poll<io::Result<usize>>) {
        match wrote {
            Poll::Ready(Ok(bytes)) => {
                self.written.0 += bytes;
                self.usage.wrote(*bytes);
            }
            Poll::Pending => {
                self.written.0 = 0;
                self.usage.blocked();
            }
            Poll::Ready(Err(_)) => {}
        }
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.read.is_over(context) {
            return Poll::Pending;
        }
        let before = buffer.filled().len();
        let was_shaking_hands = self.stream.is_shaking_hands();
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        if was_shaking_hands && !self.stream.is_shaking_hands() {
            self.usage.no_head();
        }
        match read.is_ready() {
            true => {
                let bytes = &buffer.filled()[before..];
                self.read.0 += bytes.len();
                self.came(bytes);
            }
            false => self.read.0 = 0,
        }
        read
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.written.is_over(context) {
            return Poll::Pending;
        }
        let bytes = &bytes[..bytes.len().min(BURST)];
        let wrote = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.note(&wrote);
        wrote
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if self.written.is_over(context) {
            return Poll::Pending;
        }
        let mut size = 0;
        let too_much = pieces.iter().position(|piece| {
            size += piece.len();
            size > BURST
        });
        let wrote = match too_much {
            None => Pin::new(&mut self.stream).poll_write_vectored(context, pieces),
            // One that is too large for one turn is written up to there, or after what stands before it.
            Some(0) => Pin::new(&mut self.stream).poll_write(context, &pieces[0][..BURST]),
            Some(at) => Pin::new(&mut self.stream).poll_write_vectored(context, &pieces[..at]),
        };
        self.note(&wrote);
        wrote
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::Readiness;
    use futures_util::future::poll_fn;
    use std::time::Duration;
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::{TcpListener, TcpStream},
    };

    #[tokio::test]
    async fn what_is_large_is_read_in_pieces_and_others_have_turns_between_them() {
        const SIZE: usize = 8 * BURST;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (stream, _) = listener.accept().await.unwrap();
        let bytes: Vec<u8> = (0..SIZE).map(|number| number as u8).collect();
        let sent = bytes.clone();
        let writer = tokio::spawn(async move { client.write_all(&sent).await });
        let usage = Usage::new(Readiness::default(), Duration::from_secs(30));
        let mut socket = Socket::new(Stream::Plain(stream), usage);
        let (mut taken, mut at_once, mut most) = (Vec::new(), 0, 0);
        let mut buffer = vec![0; BURST / 4];
        while taken.len() < SIZE {
            let size = poll_fn(|context| {
                let mut into = ReadBuf::new(&mut buffer);
                let polled = Pin::new(&mut socket).poll_read(context, &mut into);
                let size = into.filled().len();
                at_once = if polled.is_pending() { 0 } else { at_once + size };
                most = most.max(at_once);
                polled.map_ok(|()| size)
            });
            let size = size.await.unwrap();
            taken.extend_from_slice(&buffer[..size]);
        }
        writer.await.unwrap().unwrap();
        assert!(taken == bytes);
        assert!(most < 2 * BURST, "{most}");
    }

    #[tokio::test]
    async fn what_is_large_leaves_in_pieces_and_others_have_turns_between_them() {
        const SIZE: usize = 3 * BURST + 1;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (stream, _) = listener.accept().await.unwrap();
        let reader = tokio::spawn(async move {
            let mut taken = Vec::new();
            let mut client = client;
            client.read_to_end(&mut taken).await.unwrap();
            taken
        });
        let usage = Usage::new(Readiness::default(), Duration::from_secs(30));
        let mut socket = Socket::new(Stream::Plain(stream), usage);
        let bytes: Vec<u8> = (0..SIZE).map(|number| number as u8).collect();
        let (mut written, mut turns) = (0, 0);
        while written < SIZE {
            let mut most = 0;
            let wrote = poll_fn(|context| {
                // As hyper writes: what stands before, and the rest.
                let (head, rest) = bytes[written..].split_at(1.min(SIZE - written - 1));
                let pieces = [io::IoSlice::new(head), io::IoSlice::new(rest)];
                let polled = Pin::new(&mut socket).poll_write_vectored(context, &pieces);
                turns += usize::from(polled.is_pending());
                most = most.max(match polled {
                    Poll::Ready(Ok(bytes)) => bytes,
                    _ => 0,
                });
                polled
            });
            written += wrote.await.unwrap();
            assert!(most <= BURST, "{most}");
        }
        assert!(turns >= 3, "{turns}");
        drop(socket);
        assert!(reader.await.unwrap() == bytes);
    }
}
