//! Reads a request's body, bounded in size, time and memory.

use super::error::{Error, Result};
use axum::body::Body;
use bytes::{Bytes, BytesMut};
use http::{Extensions, HeaderMap, HeaderValue, StatusCode, header};
use http_body::Body as _;
use http_body_util::BodyExt;
use mcp_common::bounds;
use mcp_core::peer::{Held, NoMemory, Peer};
use serde::de::DeserializeOwned;
use std::{sync::Arc, time::Duration};

/// The time for a document: one that trickles in does not hold a connection for ever.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);
/// A sender that is not listening yet would lose the answer with the connection, so that what is allowed and some of what
/// is too much is still taken from the wire.
const DISCARDED: usize = 16 * 1024 * 1024;
/// Smaller bodies are not counted: a connection of HTTP/1 has one at a time, and a request of HTTP/2 is counted with it.
const SMALL: u64 = 16 << 10;
/// The steps in which the memory of a body is taken that does not say how large it will be.
const STEP: u64 = 64 << 10;

/// The most of a refused message that is read for its id, and the time for it: anybody can send as many of these as they like.
const GLANCE: u64 = 64 << 10;
const GLANCE_PATIENCE: Duration = Duration::from_secs(1);
/// What the values of a body of operators may take in memory: several times what a body of the largest size takes that somebody wrote.
const MOST_WEIGHT: u64 = 256 << 20;

/// Why a body is not read to its end.
enum Stop {
    TooLarge,
    NoMemory(NoMemory),
    Broken,
}

/// A body and the memory that it takes.
struct Kept {
    bytes: Bytes,
    _held: Held,
}

impl AsRef<[u8]> for Kept {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

/// The JSON object that a body is. What it is read into would take a list for its members in order, too, and nobody means that.
pub(crate) fn object<T: DeserializeOwned>(body: &[u8]) -> std::result::Result<T, String> {
    if bounds::weight(body) > MOST_WEIGHT {
        let most = MOST_WEIGHT >> 20;
        return Err(format!(
            "it has so many values that they take more than {most} MiB of memory"
        ));
    }
    object_of_any_size(body)
}

/// The same of a body whose memory is taken already.
pub(crate) fn object_of_any_size<T: DeserializeOwned>(body: &[u8]) -> std::result::Result<T, String> {
    match body.trim_ascii_start().first() {
        Some(b'{') => serde_json::from_slice(body).map_err(|error| error.to_string()),
        _ => Err("expected a JSON object".to_owned()),
    }
}

/// Refuses a body that is packed, with the codings that are read: none.
pub(crate) fn check_coding(headers: &HeaderMap) -> Result<()> {
    let values = headers.get_all(header::CONTENT_ENCODING).iter();
    let mut codings = values.map(|value| String::from_utf8_lossy(value.as_bytes()));
    match codings.find(|coding| !coding.trim().eq_ignore_ascii_case("identity")) {
        None => Ok(()),
        Some(coding) => {
            let message = format!("send the body as it is, without `Content-Encoding: {coding}`");
            let refused = Error::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, message);
            Err(refused.with_header(header::ACCEPT_ENCODING, HeaderValue::from_static("identity")))
        }
    }
}

/// Reads at most `limit` bytes within `patience`, in any content type: v1 clients do not always name JSON. Their memory is the
/// peer's until they are dropped.
pub(crate) async fn read(
    mut body: Body,
    extensions: &Extensions,
    limit: usize,
    patience: Duration,
) -> Result<Bytes> {
    let peer = &peer(extensions);
    let refusal = match tokio::time::timeout(patience, collect(&mut body, peer, limit as u64)).await {
        Ok(Ok(bytes)) => return Ok(bytes),
        Ok(Err(Stop::TooLarge)) => Error::too_large(limit),
        Ok(Err(Stop::NoMemory(reason))) => Error::no_memory(reason, peer.limit()),
        Ok(Err(Stop::Broken)) => return Err(Error::bad_request("the body ended early")),
        Err(_) => {
            return Err(Error::new(
                http::StatusCode::REQUEST_TIMEOUT,
                format!("the body did not arrive within {} seconds", patience.as_secs()),
            ));
        }
    };
    let _ = tokio::time::timeout(PATIENCE, discard(body, limit.saturating_add(DISCARDED))).await;
    Err(refusal)
}

/// What is refused whatever it says, for the id that its answer should name; nothing where that is not had cheaply.
pub(crate) async fn glance(mut body: Body, peer: &Arc<Peer>) -> Bytes {
    if body.size_hint().exact().is_none_or(|size| size > GLANCE) {
        return Bytes::new();
    }
    match tokio::time::timeout(GLANCE_PATIENCE, collect(&mut body, peer, GLANCE)).await {
        Ok(Ok(bytes)) => bytes,
        _ => Bytes::new(),
    }
}

/// Holds on to what waits in a channel, with the peer's memory for it, however small it is: there may be hundreds.
pub(crate) fn keep(bytes: Bytes, peer: &Arc<Peer>) -> Result<Bytes> {
    let held = peer
        .hold(bytes.len() as u64)
        .map_err(|reason| Error::no_memory(reason, peer.limit()))?;
    Ok(Bytes::from_owner(Kept { bytes, _held: held }))
}

/// The same of a body that was [read](read), which counted it unless it is small.
pub(crate) fn keep_small(bytes: Bytes, peer: &Arc<Peer>) -> Result<Bytes> {
    match bytes.len() as u64 <= SMALL {
        true => keep(bytes, peer),
        false => Ok(bytes),
    }
}

/// The client that a request came from.
pub(crate) fn peer(extensions: &Extensions) -> Arc<Peer> {
    extensions.get().cloned().unwrap_or_else(Peer::unbounded)
}

async fn collect(body: &mut Body, peer: &Arc<Peer>, limit: u64) -> Result<Bytes, Stop> {
    // What Content-Length says, 0 without one.
    let announced = body.size_hint().lower();
    if announced > limit {
        return Err(Stop::TooLarge);
    }
    let mut held = None;
    if announced > SMALL {
        held = Some(peer.hold(announced).map_err(Stop::NoMemory)?);
    }
    let mut whole = Bytes::new();
    let mut joined = BytesMut::new();
    let mut size = 0;
    while let Some(frame) = body.frame().await {
        let Ok(chunk) = frame.map_err(|_| Stop::Broken)?.into_data() else {
            continue;
        };
        size += chunk.len() as u64;
        if size > limit {
            return Err(Stop::TooLarge);
        }
        if size > SMALL {
            take(&mut held, peer, size).map_err(Stop::NoMemory)?;
        }
        if size == chunk.len() as u64 {
            // Most bodies are one chunk; it is used where it lies.
            whole = chunk;
            continue;
        }
        if joined.is_empty() {
            joined.reserve(announced.max(size * 2).min(limit) as usize);
            joined.extend_from_slice(&whole);
        }
        joined.extend_from_slice(&chunk);
    }
    if !joined.is_empty() {
        whole = joined.freeze();
    }
    Ok(match held {
        None => whole,
        Some(_held) => Bytes::from_owner(Kept { bytes: whole, _held }),
    })
}

/// Takes the memory before more than that is kept.
fn take(held: &mut Option<Held>, peer: &Arc<Peer>, size: u64) -> Result<(), NoMemory> {
    match held {
        Some(held) if held.bytes() >= size => {}
        Some(held) => held.grow(size.next_multiple_of(STEP))?,
        None => *held = Some(peer.hold(size.next_multiple_of(STEP))?),
    }
    Ok(())
}

async fn discard(mut body: Body, most: usize) {
    let mut left = most;
    while let Some(Ok(frame)) = body.frame().await {
        let size = frame.data_ref().map_or(0, Bytes::len);
        match left.checked_sub(size) {
            Some(rest) => left = rest,
            None => return,
        }
    }
}
