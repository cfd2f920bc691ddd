//! The API behind the tools that hurt: one answer for each path.

use super::server;
use crate::listen::{listen, request};
use anyhow::{Context, Result};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// Runs until the process ends.
pub(super) fn start() -> Result<u16> {
    listen("hostile upstream", serve)
}

async fn serve(mut stream: TcpStream) -> Result<()> {
    let mut buffer = Vec::with_capacity(16 << 10);
    loop {
        let (start, end) = request(&mut stream, &mut buffer).await?;
        let path = buffer.split(|&byte| byte == b' ').nth(1).unwrap_or_default();
        let message = buffer.get(start..end).unwrap_or_default();
        let Some((kind, body)) = answer(path, message) else {
            // Never answers; ends with the connection.
            let read = stream.read_buf(&mut buffer).await?;
            (read > 0).then_some(()).context("closed")?;
            continue;
        };
        buffer.drain(..end);
        let length = body.len();
        let status = if body.is_empty() { "202 Accepted" } else { "200 OK" };
        let head = format!("HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\r\n");
        stream.write_all(head.as_bytes()).await?;
        stream.write_all(body.as_bytes()).await?;
    }
}

/// The type and the body; `None`: there is no answer.
fn answer(path: &[u8], message: &[u8]) -> Option<(&'static str, String)> {
    const JSON: &str = "application/json";
    let text = |text: String| (JSON, format!(r#"{{"t":"{text}"}}"#));
    if let Some(what) = path.strip_prefix(server::AT.as_bytes()) {
        return Some((JSON, server::answer(&String::from_utf8_lossy(what), message)));
    }
    Some(match path {
        b"/never" => return None,
        b"/ampersands" => ("text/html", "&".repeat(1 << 20)),
        b"/tags" => ("text/html", "<b><i>".repeat(170_000)),
        b"/digits" => text("1".repeat(5_000_000)),
        b"/letters" => text("a".repeat(6_800_000)),
        b"/nested" => text("[".repeat(7_000)),
        b"/large" => text("x".repeat(7 << 20)),
        b"/objects" => (JSON, format!("[{}]", vec![r#"{"a":1}"#; 490_000].join(","))),
        b"/numbers" => (JSON, format!(r#"{{"ids":[{}1]}}"#, "1,".repeat(1_900_000))),
        _ => (JSON, r#"{"ok":true}"#.to_owned()),
    })
}
