//! Reads a request body, bounded in size and time.

use crate::error::Error;
use axum::body::Body;
use bytes::Bytes;
use futures_util::future::{Either, select};
use http::StatusCode;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use std::{pin::pin, time::Duration};

/// A body that trickles in does not hold a connection for ever.
const PATIENCE: Duration = Duration::from_secs(30);

pub(super) async fn read(body: Body, limit: usize) -> Result<Bytes, Error> {
    let collected = pin!(Limited::new(body, limit).collect());
    // The timer is only polled, and so only registered, when the body is not there at once.
    let collected = match select(collected, pin!(tokio::time::sleep(PATIENCE))).await {
        Either::Left((collected, _)) => collected,
        Either::Right(_) => {
            return Err(Error::new(
                StatusCode::REQUEST_TIMEOUT,
                "the body did not arrive within 30 seconds",
            ));
        }
    };
    match collected {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(Error::too_large(limit)),
        Err(_) => Err(Error::bad_request("the body ended early")),
    }
}
