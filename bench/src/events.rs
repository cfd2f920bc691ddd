//! Reads answers that are streams of events: messages that tell of progress, and the answer as the last one.

use anyhow::{Context, Result, bail, ensure};
use tokio::{io::AsyncReadExt, net::TcpStream};

/// Reads one answer into `buffer` and checks it: progress that grows, then the expected message. How often progress was told of.
pub(crate) async fn check(stream: &mut TcpStream, buffer: &mut Vec<u8>, expected: &[u8]) -> Result<u64> {
    let body = read(stream, buffer).await?;
    let mut messages = messages(&body);
    let last = messages.next_back().context("a stream without events")?;
    if last != expected {
        bail!("another answer than expected: {}", String::from_utf8_lossy(last));
    }
    let (mut told, mut before) = (0, 0);
    for message in messages {
        let progress = progress(message)
            .with_context(|| format!("no progress: {}", String::from_utf8_lossy(message)))?;
        ensure!(progress > before, "progress {progress} after {before}");
        (told, before) = (told + 1, progress);
    }
    Ok(told)
}

/// Reads one answer into `buffer`; the text of its stream.
pub(crate) async fn read(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Result<Vec<u8>> {
    buffer.clear();
    let mut scanned = 0;
    loop {
        let read = stream.read_buf(buffer).await?;
        let shown = || String::from_utf8_lossy(buffer).into_owned();
        ensure!(read > 0, "the connection was closed after {}", shown());
        // Only what ends like the last piece can be all of it.
        if !buffer.ends_with(b"0\r\n\r\n") {
            continue;
        }
        if scanned == 0 {
            let Some(head) = buffer.windows(4).position(|window| window == b"\r\n\r\n") else {
                continue;
            };
            ensure!(buffer.starts_with(b"HTTP/1.1 200 "), "refused: {}", shown());
            scanned = head + 4;
        }
        if let Some(body) = joined(&buffer[scanned..])? {
            return Ok(body);
        }
    }
}

/// The data of each event.
pub(crate) fn messages(body: &[u8]) -> impl DoubleEndedIterator<Item = &[u8]> {
    let lines = body.split(|&byte| byte == b'\n');
    lines.filter_map(|line| Some(line.strip_prefix(b"data:")?.trim_ascii()))
}

/// The pieces of a chunked body; `None` where some are missing.
fn joined(mut rest: &[u8]) -> Result<Option<Vec<u8>>> {
    let mut body = Vec::with_capacity(rest.len());
    loop {
        let Some(end) = rest.windows(2).position(|window| window == b"\r\n") else {
            return Ok(None);
        };
        let length = std::str::from_utf8(&rest[..end])?;
        let length = usize::from_str_radix(length, 16).context("the length of a piece")?;
        let Some(piece) = rest.get(end + 2..end + 2 + length) else {
            return Ok(None);
        };
        body.extend_from_slice(piece);
        let Some(after) = rest.get(end + 2 + length + 2..) else {
            return Ok(None);
        };
        if length == 0 {
            ensure!(after.is_empty(), "more than one answer");
            return Ok(Some(body));
        }
        rest = after;
    }
}

fn progress(message: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(message).ok()?;
    let (_, value) = text
        .split_once(r#""method":"notifications/progress""#)?
        .1
        .split_once(r#""progress":"#)?;
    let end = value
        .find(|letter: char| !letter.is_ascii_digit())
        .unwrap_or(value.len());
    value[..end].parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const STREAM: &str = "data: {\"method\":\"notifications/progress\",\"params\":{\"progress\":7,\"total\":9}}\n\n: still there\n\ndata: {\"id\":1}\n\n";

    #[test]
    fn pieces_are_joined_wherever_they_are_cut() {
        for cut in 1..STREAM.len() {
            let (one, other) = STREAM.split_at(cut);
            let pieces = format!(
                "{:x}\r\n{one}\r\n{:X}\r\n{other}\r\n0\r\n\r\n",
                one.len(),
                other.len()
            );
            assert_eq!(joined(pieces.as_bytes()).unwrap().unwrap(), STREAM.as_bytes());
            assert_eq!(joined(&pieces.as_bytes()[..pieces.len() - 4]).unwrap(), None);
        }
    }

    #[test]
    fn what_comes_before_the_answer_is_progress() {
        let all: Vec<_> = messages(STREAM.as_bytes()).collect();
        assert_eq!(all.len(), 2);
        assert_eq!((progress(all[0]), progress(all[1])), (Some(7), None));
        assert_eq!(all[1], b"{\"id\":1}");
    }
}
