//! Servers that the benchmarks bring along: each has a thread of its own, so that it takes no turn of the load's.

use crate::answer::frame;
use anyhow::{Context, Result};
use std::{net, thread};
use tokio::{
    io::AsyncReadExt,
    net::{TcpListener, TcpStream},
    runtime,
    task::LocalSet,
};

/// Serves each connection until the process ends; the port.
pub(crate) fn listen<S, F>(name: &str, serve: S) -> Result<u16>
where
    S: Fn(TcpStream) -> F + Send + 'static,
    F: Future<Output = Result<()>> + 'static,
{
    let listener = net::TcpListener::bind("127.0.0.1:0")?;
    listener.set_nonblocking(true)?;
    let port = listener.local_addr()?.port();
    let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
    thread::Builder::new().name(name.to_owned()).spawn(move || {
        // A server that fails shows as failed requests.
        let _ = LocalSet::new().block_on(&runtime, accept(listener, serve));
    })?;
    Ok(port)
}

async fn accept<S, F>(listener: net::TcpListener, serve: S) -> Result<()>
where
    S: Fn(TcpStream) -> F,
    F: Future<Output = Result<()>> + 'static,
{
    let listener = TcpListener::from_std(listener)?;
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let serving = serve(stream);
        tokio::task::spawn_local(async move {
            // The other side closes when it likes.
            let _ = serving.await;
        });
    }
}

/// Reads until the buffer begins with a whole request: where its body starts, and where it ends.
pub(crate) async fn request(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Result<(usize, usize)> {
    loop {
        match frame(buffer)? {
            Some((body, length)) if buffer.len() >= body + length => return Ok((body, body + length)),
            _ => {}
        }
        let read = stream.read_buf(buffer).await?;
        (read > 0).then_some(()).context("closed")?;
    }
}
