//! An MCP server over streamable HTTP, or several, each at a path of its own.

use super::speech::{Era, Said, Speech, progress};
use crate::listen::{listen, request};
use anyhow::{Context, Result, ensure};
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::sleep,
};

/// How often a call tells of its progress, where its client wants that.
pub(super) const STEPS: u32 = 100;
const SESSION: &str = "mcp-session-id";

/// Servers by the last part of their paths.
pub(super) type Servers = BTreeMap<String, Speech>;

/// They run until the process ends. `pace` lies between two messages of progress.
pub(super) fn start(servers: Servers, pace: Duration) -> Result<u16> {
    let servers = Arc::new(servers);
    listen("mcp servers", move |stream| serve(stream, servers.clone(), pace))
}

/// Where one of them is.
pub(super) fn url(port: u16, server: &str) -> String {
    format!("http://127.0.0.1:{port}/mcp/{server}")
}

async fn serve(mut stream: TcpStream, servers: Arc<Servers>, pace: Duration) -> Result<()> {
    let mut buffer = Vec::with_capacity(4096);
    loop {
        let (body, end) = request(&mut stream, &mut buffer).await?;
        let head = std::str::from_utf8(&buffer[..body])?;
        let path = head.split(' ').nth(1).unwrap_or_default();
        let speech = servers.get(path.trim_start_matches("/mcp/"));
        let is_post = head.starts_with("POST ");
        let said = match speech {
            Some(speech) if is_post => {
                let message = &buffer[body..end];
                let is_known = speech.era == Era::Modern || head.contains(SESSION) || opens(message);
                is_known.then(|| speech.answer(message)).transpose()?
            }
            _ => None,
        };
        let session = match speech.map(|speech| speech.era) {
            Some(Era::Older) => "Mcp-Session-Id: bench\r\n",
            _ => "",
        };
        buffer.drain(..end);
        match said {
            None if is_post => whole(&mut stream, "400 Bad Request", "", "").await?,
            // No stream is offered, and no end of a session.
            None => whole(&mut stream, "405 Method Not Allowed", "", "").await?,
            Some(Said::Nothing) => whole(&mut stream, "202 Accepted", "", "").await?,
            Some(Said::Answer(answer)) => whole(&mut stream, "200 OK", session, &answer).await?,
            Some(Said::Listening(acknowledged)) => {
                begin(&mut stream).await?;
                event(&mut stream, &acknowledged).await?;
                // Nothing ever changes.
                let read = stream.read_buf(&mut buffer).await?;
                ensure!(read > 0, "closed");
            }
            Some(Said::Progress { token, answer }) => {
                begin(&mut stream).await?;
                for step in 1..=STEPS {
                    event(&mut stream, &progress(&token, step, STEPS)).await?;
                    if pace.is_zero() {
                        tokio::task::yield_now().await;
                    } else {
                        sleep(pace).await;
                    }
                }
                event(&mut stream, &answer).await?;
                stream.write_all(b"0\r\n\r\n").await?;
            }
        }
    }
}

/// Whether a message is the first one of a session.
fn opens(message: &[u8]) -> bool {
    String::from_utf8_lossy(message).contains(r#""method":"initialize""#)
}

async fn whole(stream: &mut TcpStream, status: &str, headers: &str, body: &str) -> Result<()> {
    let length = body.len();
    let answer = format!(
        "HTTP/1.1 {status}\r\nContent-Type: application/json\r\n{headers}Content-Length: {length}\r\n\r\n{body}"
    );
    stream.write_all(answer.as_bytes()).await.context("closed")
}

async fn begin(stream: &mut TcpStream) -> Result<()> {
    let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
    stream.write_all(head.as_bytes()).await.context("closed")
}

async fn event(stream: &mut TcpStream, message: &str) -> Result<()> {
    let event = format!("event: message\ndata: {message}\n\n");
    let piece = format!("{:x}\r\n{event}\r\n", event.len());
    stream.write_all(piece.as_bytes()).await.context("closed")
}
