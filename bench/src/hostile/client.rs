//! Connections of somebody else than the bystander: from another address.

use anyhow::{Context, Result};
use std::net::SocketAddr;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
};

/// Where attackers come from.
const FROM: [u8; 4] = [127, 0, 0, 2];

/// An answer, as far as anybody looks at it.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: Vec<u8>,
}

pub(super) async fn connect(port: u16) -> Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.bind(SocketAddr::from((FROM, 0)))?;
    let stream = socket.connect(SocketAddr::from(([127, 0, 0, 1], port))).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// One request on a connection of its own.
pub(super) async fn exchange(port: u16, request: &[u8]) -> Result<Answer> {
    let mut stream = connect(port).await?;
    // A refusal may come before everything is sent.
    let sent = stream.write_all(request).await;
    let mut buffer = Vec::with_capacity(16 << 10);
    loop {
        if let Some((body, length)) = crate::answer::frame(&buffer)?
            && buffer.len() >= body + length
        {
            let status = std::str::from_utf8(buffer.get(9..12).unwrap_or_default())?.parse()?;
            return Ok(Answer {
                status,
                body: buffer.split_off(body),
            });
        }
        let read = stream.read_buf(&mut buffer).await;
        if !matches!(read, Ok(read) if read > 0) {
            sent.context("refused")?;
            read?;
            anyhow::bail!("closed");
        }
    }
}
