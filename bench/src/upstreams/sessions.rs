//! Clients of 2025-11-25 that have sessions with the gateway, and streams open.

use super::{
    Options,
    memory::{Kept, settled},
    site,
};
use crate::{answer, contender::port_of, definitions, open_files};
use anyhow::{Context, Result, bail, ensure};
use dynmcp_harness::Gateway;
use serde_json::json;
use std::io::ErrorKind;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

const INSTANCE: &str = "talk";
/// Those that are there before anything is measured.
const FIRST: usize = 20;
/// What a gateway keeps for everything else than clients' connections, for each of which it keeps another one to an upstream.
const OTHERS: usize = 512;

pub(super) async fn run(options: &Options) -> Result<Vec<Kept>> {
    let allowed = open_files::reserve();
    let streams = options.streams.min(allowed.saturating_sub(OTHERS) / 2);
    let most = streams + FIRST;
    let app = format!("max_connections = {}\n", most + 64);
    let gateway = site::start(options, &app, &format!("[mcp]\nmax_streams = {}\n", most + 64)).await?;
    gateway
        .admin()
        .put_tool("order", &definitions::tool("order", 9))
        .await?;
    let metadata = json!({"proto_type": "streamable-stateful"});
    let instance = json!({"name": INSTANCE, "tool_ids": ["order"], "metadata": metadata});
    gateway.admin().put_instance(INSTANCE, &instance).await?;
    let (port, pid) = (port_of(&gateway)?, gateway.pid().context("it has ended")?);

    let mut client = Client::new(port).await?;
    let mut ids = client.sessions(FIRST).await?;
    let before = settled(pid).await?;
    ids.extend(client.sessions(options.sessions).await?);
    let sessions = Kept {
        what: "sessions of 2025-11-25".to_owned(),
        count: options.sessions,
        before,
        after: settled(pid).await?,
        aim: "",
    };
    // Each stream is one of another session.
    let missing = most.saturating_sub(ids.len());
    ids.extend(client.sessions(missing).await?);
    let mut open = open(port, &ids[..FIRST]).await?;
    let before = settled(pid).await?;
    open.extend(self::open(port, &ids[FIRST..most]).await?);
    let after = settled(pid).await?;
    ensure!(open.iter().all(is_open), "the gateway has closed streams");
    let fewer = match streams < options.streams {
        true => format!(" (of {}: {allowed} files may be open)", options.streams),
        false => String::new(),
    };
    let streams = Kept {
        what: format!("open GET streams of such sessions{fewer}"),
        count: streams,
        before,
        after,
        aim: "1 KiB",
    };
    Ok(vec![sessions, streams])
}

/// One connection, over which sessions are begun.
struct Client {
    stream: TcpStream,
    port: u16,
    buffer: Vec<u8>,
}

impl Client {
    async fn new(port: u16) -> Result<Self> {
        let stream = TcpStream::connect(("127.0.0.1", port)).await?;
        stream.set_nodelay(true)?;
        let buffer = Vec::new();
        Ok(Self { stream, port, buffer })
    }

    /// The ids of so many new ones.
    async fn sessions(&mut self, count: usize) -> Result<Vec<String>> {
        let hello = json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
            "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "bench", "version": "1"}}});
        let ready = json!({"jsonrpc": "2.0", "method": "notifications/initialized"}).to_string();
        let mut ids = Vec::with_capacity(count);
        for _ in 0..count {
            let head = self.post(&hello.to_string(), "").await?;
            let mut lines = head.lines().filter_map(|line| line.split_once(": "));
            let id = lines.find(|(name, _)| name.eq_ignore_ascii_case("mcp-session-id"));
            let (_, id) = id.with_context(|| format!("no session: {head}"))?;
            self.post(&ready, &headers_of(id)).await?;
            ids.push(id.to_owned());
        }
        Ok(ids)
    }

    /// The head of the answer.
    async fn post(&mut self, body: &str, headers: &str) -> Result<String> {
        let request = format!(
            "POST /mcp/{INSTANCE} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nAuthorization: Bearer {}\r\n{headers}Content-Type: application/json\r\n\
             Accept: application/json, text/event-stream\r\nContent-Length: {}\r\n\r\n{body}",
            self.port,
            Gateway::KEY,
            body.len()
        );
        self.stream.write_all(request.as_bytes()).await?;
        let end = answer::read(&mut self.stream, &mut self.buffer).await?;
        let said = String::from_utf8_lossy(&self.buffer);
        ensure!(said.starts_with("HTTP/1.1 20"), "refused: {said}");
        Ok(said[..end].to_owned())
    }
}

fn headers_of(session: &str) -> String {
    format!("Mcp-Session-Id: {session}\r\nMCP-Protocol-Version: 2025-11-25\r\n")
}

/// A stream of each, on a connection of its own.
async fn open(port: u16, sessions: &[String]) -> Result<Vec<TcpStream>> {
    let mut open = Vec::with_capacity(sessions.len());
    let mut buffer = Vec::with_capacity(1024);
    for session in sessions {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
        let request = format!(
            "GET /mcp/{INSTANCE} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Bearer {}\r\n{}Accept: text/event-stream\r\n\r\n",
            Gateway::KEY,
            headers_of(session)
        );
        stream.write_all(request.as_bytes()).await?;
        buffer.clear();
        while !buffer.windows(4).any(|window| window == b"\r\n\r\n") {
            let read = stream.read_buf(&mut buffer).await?;
            ensure!(read > 0, "closed after {} streams", open.len());
        }
        if !buffer.starts_with(b"HTTP/1.1 200 ") {
            bail!(
                "refused after {}: {}",
                open.len(),
                String::from_utf8_lossy(&buffer)
            );
        }
        open.push(stream);
    }
    Ok(open)
}

/// Whether the other side has not closed it; comments may have come.
fn is_open(stream: &TcpStream) -> bool {
    match stream.try_read(&mut [0; 4096]) {
        Ok(read) => read > 0,
        Err(error) => error.kind() == ErrorKind::WouldBlock,
    }
}
