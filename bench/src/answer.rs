//! Reads HTTP answers off a connection, as little as has to be understood to check them.

use anyhow::{Context, Result, bail};
use tokio::{io::AsyncReadExt, net::TcpStream};

/// Where a message's head ends and how long its body is, once the head is complete.
pub(crate) fn frame(bytes: &[u8]) -> Result<Option<(usize, usize)>> {
    let Some(head) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else {
        return Ok(None);
    };
    let mut length = 0;
    for line in bytes[..head].split(|&byte| byte == b'\n').skip(1) {
        let Some(colon) = line.iter().position(|&byte| byte == b':') else {
            continue;
        };
        let value = line[colon + 1..].trim_ascii();
        if line[..colon].eq_ignore_ascii_case(b"content-length") {
            length = std::str::from_utf8(value)?.parse().context("Content-Length")?;
        } else if line[..colon].eq_ignore_ascii_case(b"transfer-encoding") {
            bail!("a chunked message: {}", String::from_utf8_lossy(&bytes[..head]));
        }
    }
    Ok(Some((head + 4, length)))
}

/// Reads one answer into `buffer` and checks status and body.
pub(crate) async fn check(stream: &mut TcpStream, buffer: &mut Vec<u8>, expected: &[u8]) -> Result<()> {
    let body = read(stream, buffer).await?;
    if !buffer.starts_with(b"HTTP/1.1 200 ") || &buffer[body..] != expected {
        bail!(
            "an answer that is not the expected one: {}",
            String::from_utf8_lossy(buffer)
        );
    }
    Ok(())
}

/// Reads one answer into `buffer`; says where its body starts.
pub(crate) async fn read(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Result<usize> {
    buffer.clear();
    let mut framed = None;
    loop {
        let read = stream.read_buf(buffer).await?;
        if read == 0 {
            bail!(
                "the connection was closed after {:?}",
                String::from_utf8_lossy(buffer)
            );
        }
        if framed.is_none() {
            framed = frame(buffer)?;
        }
        match framed {
            Some((body, length)) if buffer.len() == body + length => return Ok(body),
            Some((body, length)) if buffer.len() > body + length => bail!("more than one answer"),
            _ => {}
        }
    }
}
