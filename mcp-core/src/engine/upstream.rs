//! The HTTP client: pooled connections, one exchange at a time, everything bounded.

mod connector;
mod decompress;
mod egress;
mod receive;
mod trouble;

pub(super) use egress::refuses;
pub(super) use receive::Answer;

use super::{EngineSettings, failure::Failure};
use bytes::Bytes;
use connector::Connector;
use http::Request;
use http_body_util::Full;
use hyper_util::{
    client::legacy::Client,
    rt::{TokioExecutor, TokioTimer},
};

/// Connections to all upstreams.
#[derive(Clone, Debug)]
pub(super) struct Upstream {
    client: Client<Connector, Full<Bytes>>,
}

impl Upstream {
    pub(super) fn new(settings: &EngineSettings) -> Self {
        // A request that was not yet written to a pooled connection which turns out closed goes out on another one
        // (`retry_canceled_requests`, on by default). One that was written, even in part, never does.
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .timer(TokioTimer::new())
            .pool_max_idle_per_host(settings.max_idle_per_host)
            .pool_idle_timeout(settings.idle_timeout)
            .build(Connector::new(settings));
        Self { client }
    }

    /// Sends the request and reads the whole answer. `status` is set as soon as it is known.
    pub(super) async fn exchange(
        &self,
        request: Request<Full<Bytes>>,
        max_response_bytes: u64,
        status: &mut Option<u16>,
    ) -> Result<Answer, Failure> {
        let uri = request.uri().clone();
        let response = self
            .client
            .request(request)
            .await
            .map_err(|error| trouble::sending(&uri, &error))?;
        *status = Some(response.status().as_u16());
        receive::receive(uri, response, max_response_bytes).await
    }
}
