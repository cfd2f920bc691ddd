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
    /// The connection was opened while the gateway was draining already.
    pub(super) late: bool,
}

impl Entrance {
    pub(super) fn serve(
        &self,
        request: Request<Incoming>,
    ) -> impl Future<Output = Result<Response<Tracked>, Infallible>> + use<> {
        let in_progress = self.usage.begin();
        let version = request.version();
        // Probes may still ask how the gateway is.
        let refused = self.late && !OPERATOR_PATHS.contains(&request.uri().path());
        let mut router = self.router.clone();
        let answer = (!refused).then(|| router.call(request));
        async move {
            let response = match answer {
                Some(answer) => answer.await.unwrap_or_else(|never| match never {}),
                None => {
                    Error::unavailable("the gateway is shutting down; try another replica").into_response()
                }
            };
            Ok(finish(response, in_progress, version))
        }
    }
}

fn finish(
    response: axum::response::Response,
    in_progress: InProgress,
    version: Version,
) -> Response<Tracked> {
    let phase = in_progress.phase();
    let mut response = response.map(|body| Tracked {
        body,
        _in_progress: in_progress,
    });
    if phase == Phase::Draining && version < Version::HTTP_2 {
        response
            .headers_mut()
            .insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}
