//! The API behind all contenders: answers with the same 500 bytes, 100 KiB or a token, from one thread, as cheaply as
//! it can.

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

    /// A JSON object of 100 KiB.
    pub(crate) fn large_body() -> String {
        let size = 100 << 10;
        let mut body = r#"{"items":["#.to_owned();
        let mut number = 1_000;
        while body.len() < size - 200 {
            body.push_str(&format!(
                r#"{{"id":{number},"name":"Ada \"the first\"","tags":["a","b"],"price":1.50}},"#
            ));
            number += 1;
        }
        let rest = size - body.len() - 2 - 2;
        format!("{body}\"{}\"]}}", "x".repeat(rest))
    }
}

/// All that it ever answers.
#[derive(Clone, Copy)]
struct Answers {
    small: &'static [u8],
    large: &'static [u8],
    token: &'static [u8],
}

impl Answers {
    fn new() -> Self {
        let answer = |body: &str| -> &'static [u8] {
            let length = body.len();
            format!(
                "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
            )
            .into_bytes()
            .leak()
        };
        Self {
            small: answer(&Upstream::body()),
            large: answer(&Upstream::large_body()),
            token: answer(r#"{"access_token":"token","token_type":"Bearer","expires_in":86400}"#),
        }
    }

    fn to(self, request: &[u8]) -> &'static [u8] {
        let path = request.split(|&byte| byte == b' ').nth(1).unwrap_or_default();
        match path {
            b"/large" => self.large,
            b"/token" => self.token,
            _ => self.small,
        }
    }
}

async fn accept(listener: net::TcpListener) -> Result<()> {
    let listener = TcpListener::from_std(listener)?;
    let answers = Answers::new();
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        tokio::task::spawn_local(async move {
            // The other side closes when it likes.
            let _ = serve(stream, answers).await;
        });
    }
}

async fn serve(mut stream: TcpStream, answers: Answers) -> Result<()> {
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
        let answer = answers.to(&buffer);
        buffer.drain(..body + length);
        stream.write_all(answer).await?;
    }
}
