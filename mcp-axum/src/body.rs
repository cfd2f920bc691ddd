//! Reads a request's body, bounded in size and time.

use crate::error::{Error, Result};
use axum::body::Body;
use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use std::time::Duration;

/// For a document: one that trickles in does not hold a connection for ever.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);
/// A sender that is not listening yet would lose the answer with the connection, so that some of what is too much
/// is still taken from the wire.
const DISCARDED: usize = 16 * 1024 * 1024;

/// At most `limit` bytes within `patience`, in any content type: v1 clients do not always name JSON.
pub(crate) async fn read(mut body: Body, limit: usize, patience: Duration) -> Result<Bytes> {
    let collected = tokio::time::timeout(patience, Limited::new(&mut body, limit).collect()).await;
    match collected {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => {
            let _ = tokio::time::timeout(PATIENCE, discard(body)).await;
            Err(Error::too_large(limit))
        }
        Ok(Err(_)) => Err(Error::bad_request("the body ended early")),
        Err(_) => Err(Error::new(
            http::StatusCode::REQUEST_TIMEOUT,
            format!("the body did not arrive within {} seconds", patience.as_secs()),
        )),
    }
}

async fn discard(mut body: Body) {
    let mut left = DISCARDED;
    while let Some(Ok(frame)) = body.frame().await {
        let size = frame.data_ref().map_or(0, Bytes::len);
        match left.checked_sub(size) {
            Some(rest) => left = rest,
            None => return,
        }
    }
}
