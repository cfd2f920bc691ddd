//! Between hyper and the router: counts requests in progress and, while the gateway drains, lets nothing new begin.

use super::connection::{InProgress, Tracked, Usage};
use crate::{app::Phase, error::Error, settings::OPERATOR_PATHS};
use axum::{Router, response::IntoResponse};
use http::{HeaderValue, Request, Response, Version, header};
use hyper::body::Incoming;
use std::{convert::Infallible, sync::Arc};
use tower::Service;

/// One per connection.
pub(super) struct Entrance {
    pub(super) router: Router,
    pub(super) usage: Arc<Usage>,
    /// Nothing is done for this connection but answering probes.
    pub(super) turned_away: Option<TurnedAway>,
}

/// Why a connection is not served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TurnedAway {
    /// It was opened while the gateway was draining already.
    Draining,
    /// There were too many.
    Full,
}

impl TurnedAway {
    fn reason(self) -> &'static str {
        match self {
            Self::Draining => "the gateway is shutting down; try another replica",
            Self::Full => {
                "too many connections are open (app.max_connections); try again in a moment, or another replica"
            }
        }
    }
}

impl Entrance {
    pub(super) fn serve(
        &self,
        request: Request<Incoming>,
    ) -> impl Future<Output = Result<Response<Tracked>, Infallible>> + use<> {
        let in_progress = self.usage.begin();
        let version = request.version();
        let is_last = self.turned_away.is_some();
        // Probes may still ask how the gateway is.
        let is_probe = |request: &Request<Incoming>| OPERATOR_PATHS.contains(&request.uri().path());
        let refused = self.turned_away.filter(|_| !is_probe(&request));
        let mut router = self.router.clone();
        let answer = match refused {
            None => Ok(router.call(request)),
            Some(turned_away) => Err(turned_away.reason()),
        };
        async move {
            let response = match answer {
                Ok(answer) => answer.await.unwrap_or_else(|never| match never {}),
                Err(reason) => Error::unavailable(reason).into_response(),
            };
            Ok(finish(response, in_progress, version, is_last))
        }
    }
}

fn finish(
    response: axum::response::Response,
    in_progress: InProgress,
    version: Version,
    is_last: bool,
) -> Response<Tracked> {
    let phase = in_progress.phase();
    let mut response = response.map(|body| Tracked {
        body,
        _in_progress: in_progress,
    });
    if (phase == Phase::Draining || is_last) && version < Version::HTTP_2 {
        response
            .headers_mut()
            .insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}
