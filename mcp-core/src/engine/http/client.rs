//! The HTTP client: pooled connections, one exchange at a time, everything bounded.

mod decompress;
mod receive;
mod told;

use crate::{
    connect::{self, ConnectSettings, Connector, Hop, Policy},
    engine::{EngineServices, EngineSettings, Lane, failure::Failure},
    tool::Transport,
};
use bytes::Bytes;
use http::{Request, StatusCode, header::PROXY_AUTHORIZATION, uri::Scheme};
use http_body_util::Full;
use hyper_util::{
    client::legacy::Client,
    rt::{TokioExecutor, TokioTimer},
};
use receive::Turns;
pub(crate) use receive::{Answer, Room, SMALL};
use rustls::ClientConfig;
use std::{sync::Arc, time::Duration};

/// An HTTP/2 connection carries many calls, so one that died in silence would hold all of them up.
const PING_EVERY: Duration = Duration::from_secs(20);
const PONG_WITHIN: Duration = Duration::from_secs(10);

/// How much is read at once, and how large the head of an answer may be.
const READ: usize = 64 << 10;

/// Pooled connections.
#[derive(Clone, Debug)]
pub(crate) struct Upstream {
    client: Client<Connector, Full<Bytes>>,
    hop: Option<Arc<Hop>>,
    /// Where large answers are decompressed.
    lane: Lane,
    /// In which large answers are read.
    turns: Turns,
}

impl Upstream {
    /// The connections of all tools that ask for no others.
    pub(crate) fn new(settings: &EngineSettings, services: &EngineServices) -> Self {
        let tls = (*services.trust.config()).clone();
        Self::special(settings, services, tls, &Transport::default(), None)
    }

    /// The connections of tools that ask for this transport.
    pub(super) fn special(
        settings: &EngineSettings,
        services: &EngineServices,
        tls: ClientConfig,
        transport: &Transport,
        hop: Option<Hop>,
    ) -> Self {
        let hop = hop.map(Arc::new);
        let connecting = ConnectSettings {
            egress: Arc::new(Policy {
                gateway: settings.egress.clone(),
                own: transport.egress.clone(),
            }),
            server_name: transport.server_name.clone(),
            timeout: transport.connect_timeout.unwrap_or(settings.connect_timeout),
        };
        let connector = Connector::new(connecting, tls, hop.clone());
        // A request that was not yet written to a pooled connection which turns out closed goes out on another one
        // (`retry_canceled_requests`, on by default). One that was written, even in part, never does.
        let client = Client::builder(TokioExecutor::new())
            .http1_max_buf_size(READ)
            .pool_timer(TokioTimer::new())
            .timer(TokioTimer::new())
            .pool_max_idle_per_host(settings.max_idle_per_host)
            .pool_idle_timeout(settings.idle_timeout)
            .http2_keep_alive_interval(PING_EVERY)
            .http2_keep_alive_timeout(PONG_WITHIN)
            .build(connector);
        let lane = services.lane.clone();
        let turns = Turns::default();
        Self {
            client,
            hop,
            lane,
            turns,
        }
    }

    /// Sends the request and reads the whole answer. `status` is set as soon as it is known.
    pub(crate) async fn exchange(
        &self,
        mut request: Request<Full<Bytes>>,
        room: Room<'_>,
        status: &mut Option<u16>,
    ) -> Result<Answer, Failure> {
        let uri = request.uri().clone();
        // A proxy reads requests to http upstreams itself; to others it only sees that there is a tunnel.
        let reading_hop = self.hop.as_ref().filter(|_| uri.scheme() == Some(&Scheme::HTTP));
        if let Some(login) = reading_hop.and_then(|hop| hop.login.as_ref()) {
            request.headers_mut().insert(PROXY_AUTHORIZATION, login.clone());
        }
        let response = self
            .client
            .request(request)
            .await
            .map_err(|error| connect::sending(&uri, &error))?;
        if let Some(hop) = reading_hop
            && response.status() == StatusCode::PROXY_AUTHENTICATION_REQUIRED
        {
            return Err(connect::proxy(&hop.refusal(response.status())).into());
        }
        *status = Some(response.status().as_u16());
        receive::receive(uri, response, room, &self.lane, &self.turns).await
    }
}
