//! Requests that are no calls: sent once, and only their status counts.

use super::client::Room;
use crate::{
    engine::{CallContext, Engine},
    tool::InstanceNames,
};
use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use mcp_common::authenticator::Principal;
use std::time::Duration;

/// An answer of which nothing is kept but the status, in bytes.
const MOST: u64 = 64 << 10;

impl Engine {
    /// Sends it where the operator's rules allow that, and does not follow redirects. The answer's status, or why there is none.
    pub async fn send_once(
        &self,
        mut request: Request<Full<Bytes>>,
        patience: Duration,
    ) -> Result<u16, String> {
        let context = CallContext {
            instance: &InstanceNames::id_only(""),
            principal: &Principal::anonymous(),
            arguments: None,
            headers: None,
        };
        self.name_gateway(&mut request, &context);
        let mut status = None;
        let exchange = self.upstream.exchange(request, Room::of(MOST), &mut status);
        let answered = tokio::time::timeout(patience, exchange).await;
        match (status, answered) {
            // An answer that is too large, or breaks off, is one.
            (Some(status), _) => Ok(status),
            (None, Ok(Err(failure))) => Err(failure.reason().to_owned()),
            (None, _) => Err(format!("there was no answer within {patience:?}")),
        }
    }
}
