//! Between hyper and the router: counts requests in progress and the memory that they take, and lets nothing new begin
//! while the gateway drains.

use super::{answer::Tracked, compress, connection::Usage, host, routes::Routes, seats::Seat};
use crate::{
    app::{Phase, SharedBody},
    http::{error::Error, manners, mcp::Takeover},
    settings::OPERATOR_PATHS,
};
use axum::response::IntoResponse;
use http::{HeaderValue, Request, Response, Version, header};
use http_body::Body as _;
use hyper::body::Incoming;
use mcp_core::peer::{Held, Peer};
use std::{convert::Infallible, sync::Arc};
use tower::Service;

/// What a request of HTTP/2 takes beside its header: many of them share a connection, so that each one counts.
const REQUEST: u64 = 16 << 10;

/// One per connection.
pub(super) struct Entrance {
    pub(super) routes: Routes,
    pub(super) usage: Arc<Usage>,
    pub(super) peer: Arc<Peer>,
    /// Nothing is done for this connection but answering probes, until it has a place.
    pub(super) turned_away: Option<TurnedAway>,
    pub(super) seat: Arc<Seat>,
    /// What becomes of the connection if a request asks for another protocol.
    pub(super) takeover: Takeover,
    /// Whether answers are compressed for those who ask for it.
    pub(super) compresses: bool,
    /// For how long browsers come back over TLS alone; `None` where this connection has none.
    pub(super) strict_transport: Option<HeaderValue>,
}

/// Why a connection is not served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TurnedAway {
    /// It was opened while the gateway was draining already.
    Draining,
    /// There were too many connections.
    Full,
    /// The client had too many connections.
    FullForPeer,
}

impl TurnedAway {
    pub(super) fn reason(self) -> &'static str {
        match self {
            Self::Draining => "the gateway is shutting down; try another replica",
            Self::Full => {
                "too many connections are open (app.max_connections); try again in a moment, or another replica"
            }
            Self::FullForPeer => {
                "this address has too many connections open (app.max_connections_per_client); use those that it has, or \
                 close some (an address that stands for many clients belongs into app.front_proxies)"
            }
        }
    }
}

impl Entrance {
    pub(super) fn serve(
        &self,
        mut request: Request<Incoming>,
    ) -> impl Future<Output = Result<Response<Tracked>, Infallible>> + use<> {
        let in_progress = self.usage.begin();
        let version = request.version();
        let turned_away = self.turned_away();
        let claim = turned_away
            .filter(|_| !OPERATOR_PATHS.contains(&request.uri().path()))
            .map(|reason| (reason, self.seat.clone()));
        let admitted = self.admit(&mut request);
        let accepts = match self.compresses {
            true => request.headers().get(header::ACCEPT_ENCODING).cloned(),
            false => None,
        };
        let peer = self.peer.clone();
        let strict_transport = self.strict_transport.clone();
        let answer = admitted.map(|held| (self.routes.now().call(request), held));
        let mut is_last = turned_away.is_some();
        async move {
            let mut answer = answer;
            if let Some((reason, seat)) = claim {
                match reason != TurnedAway::Draining && Box::pin(seat.claim()).await {
                    true => is_last = false,
                    false => answer = Err(Error::unavailable(reason.reason())),
                }
            }
            let (response, held) = match answer {
                Ok((answer, held)) => (answer.await.unwrap_or_else(|never| match never {}), held),
                Err(refused) => (refused.into_response(), None),
            };
            let size = response.body().size_hint().exact();
            let (response, encoder) = match accepts {
                Some(accepts) if compress::is_worth_it(&response) => {
                    Box::pin(compress::pack(response, accepts, &peer)).await
                }
                _ => (response, None),
            };
            let tracked = |body| Tracked {
                body,
                in_progress,
                peer: Some(peer),
                is_multiplexed: version >= Version::HTTP_2,
                _held: held,
                ahead: None,
                _encoder: encoder,
            };
            let mut response = finish(response, tracked, size, version, is_last);
            if let Some(value) = strict_transport {
                let headers = response.headers_mut();
                headers.insert(header::STRICT_TRANSPORT_SECURITY, value);
            }
            Ok(response)
        }
    }

    /// Why this connection is not served, where it is not.
    fn turned_away(&self) -> Option<TurnedAway> {
        let stays = |reason: &TurnedAway| *reason == TurnedAway::Draining || !self.seat.is_within();
        self.turned_away.filter(stays)
    }

    /// Takes the memory of a request of HTTP/2; one of HTTP/1 has its connection for itself.
    fn admit(&self, request: &mut Request<Incoming>) -> Result<Option<Held>, Error> {
        host::settle(request)?;
        request.extensions_mut().insert(self.peer.clone());
        if request.version() < Version::HTTP_2 {
            if Takeover::is_for(request.headers()) {
                request.extensions_mut().insert(self.takeover.clone());
            }
            return Ok(None);
        }
        let header = request.headers().iter();
        let header: usize = header
            .map(|(name, value)| name.as_str().len() + value.len())
            .sum();
        let held = self.peer.hold(REQUEST + header as u64);
        held.map(Some)
            .map_err(|reason| Error::no_memory(reason, self.peer.limit()))
    }
}

fn finish(
    response: axum::response::Response,
    tracked: impl FnOnce(axum::body::Body) -> Tracked,
    size: Option<u64>,
    version: Version,
    is_last: bool,
) -> Response<Tracked> {
    let is_shared = response.extensions().get::<SharedBody>().is_some();
    let mut response = response.map(tracked);
    if is_shared {
        response.body_mut().peer = None;
    }
    response.body_mut().count_ahead(size);
    manners::mark(response.headers_mut());
    let phase = response.body().in_progress.phase();
    if (phase == Phase::Draining || is_last) && version < Version::HTTP_2 {
        response
            .headers_mut()
            .insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}
