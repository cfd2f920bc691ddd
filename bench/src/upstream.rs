//! The API behind all contenders: answers everything with the same 500 bytes, from one thread, as cheaply as it can.

use crate::answer::frame;
use anyhow::{Context, Result};
use std::{net, thread};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    runtime,
    task::LocalSet,
};

/// Runs until the process ends.
pub(crate) struct Upstream {
    port: u16,
}

impl Upstream {
    pub(crate) fn start() -> Result<Self> {
        let listener = net::TcpListener::bind("127.0.0.1:0")?;
        listener.set_nonblocking(true)?;
        let port = listener.local_addr()?.port();
        let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
        thread::Builder::new()
            .name("upstream".to_owned())
            .spawn(move || {
                let local = LocalSet::new();
                // An upstream that fails shows as failed requests.
                let _ = local.block_on(&runtime, accept(listener));
            })?;
        Ok(Self { port })
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// A JSON object of 500 bytes.
    pub(crate) fn body() -> String {
        let start = r#"{"id":"o-4711","state":"accepted","express":true,"lines":[{"sku":"x1","count":3}],"total":42.5,"note":""#;
        format!("{start}{}\"}}", "x".repeat(500 - start.len() - 2))
    }
}

async fn accept(listener: net::TcpListener) -> Result<()> {
    let listener = TcpListener::from_std(listener)?;
    let body = Upstream::body();
    let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n";
    let answer: &'static [u8] = format!("{head}{body}").into_bytes().leak();
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        tokio::task::spawn_local(async move {
            // The other side closes when it likes.
            let _ = serve(stream, answer).await;
        });
    }
}

async fn serve(mut stream: TcpStream, answer: &[u8]) -> Result<()> {
    let mut buffer = Vec::with_capacity(4096);
    loop {
        let (body, length) = loop {
            match frame(&buffer)? {
                Some((body, length)) if buffer.len() >= body + length => break (body, length),
                _ => {}
            }
            let read = stream.read_buf(&mut buffer).await?;
            (read > 0).then_some(()).context("closed")?;
        };
        buffer.drain(..body + length);
        stream.write_all(answer).await?;
    }
}
