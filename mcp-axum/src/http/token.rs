//! `POST /api/v1/auth/token`: a short token for a key of the store, as the older system gave it. Errors are those of OAuth 2.0 (RFC 6749,
//! section 5.2).

use super::{body, mcp::RequestIds};
use crate::app::App;
use axum::{
    Json, Router,
    body::Body,
    extract::State,
    response::{IntoResponse, Response},
    routing::post,
};
use http::{HeaderValue, Request, StatusCode, header};
use mcp_common::authenticator::Denied;
use mcp_core::policy::{Door, Refusal};
use serde::Deserialize;
use serde_json::json;
use std::{sync::Arc, time::Duration};

/// A key and some words around it, in bytes.
const LONGEST: usize = 4 << 10;
const PATIENCE: Duration = Duration::from_secs(10);

struct Route {
    app: Arc<App>,
    request_ids: RequestIds,
}

#[derive(Deserialize)]
struct Asked {
    api_key: String,
}

/// Of one worker.
pub(crate) fn router(app: Arc<App>) -> Router {
    let route = Route {
        app,
        request_ids: RequestIds::random(),
    };
    Router::new()
        .route("/api/v1/auth/token", post(exchange))
        .with_state(Arc::new(route))
}

/// Passes the same door as a request that shows the key.
async fn exchange(State(route): State<Arc<Route>>, request: Request<Body>) -> Response {
    let (parts, body) = request.into_parts();
    let app = &route.app;
    let mut record = app
        .gateway
        .policy
        .record(Door::Mcp, &route.request_ids.of(&parts.headers))
        .without_line();
    record.address = body::peer(&parts.extensions).address();
    let mut response = match body::read(body, &parts.extensions, LONGEST, PATIENCE).await {
        Err(error) => error.into_response(),
        Ok(body) => match body::object::<Asked>(&body) {
            // What was sent may be most of a key.
            Err(_) => refused(
                StatusCode::BAD_REQUEST,
                "invalid_request",
                "send {\"api_key\": \"…\"} as JSON",
            ),
            Ok(asked) => {
                let found = app.guard.exchange(&asked.api_key);
                let (token, principal) = match found {
                    Ok(Some((token, principal))) => (Some(token), Ok(principal)),
                    Ok(None) => (None, Err(Denied::Invalid(UNKNOWN.to_owned()))),
                    Err(denied) => (None, Err(denied)),
                };
                if let Ok(principal) = &principal {
                    record.sent_by(principal);
                }
                match (app.gateway.policy.enter(Door::Mcp, None, principal), token) {
                    (Ok(_), Some(token)) => {
                        record.entered();
                        let answer = json!({
                            "access_token": token.text, "token_type": "Bearer", "expires_in": token.life.as_secs(),
                        });
                        Json(answer).into_response()
                    }
                    (Ok(_), None) => refused(StatusCode::UNAUTHORIZED, "invalid_client", UNKNOWN),
                    (Err(refusal), _) => refused_by(&refusal),
                }
            }
        },
    };
    record.answered(response.status());
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

const UNKNOWN: &str = "the key is not one of the store (`/admin/keys`): others are shown as they are";

/// Another key helps only who has none that is good.
fn refused_by(refusal: &Refusal) -> Response {
    let away = |description: &str| {
        refused(
            StatusCode::SERVICE_UNAVAILABLE,
            "temporarily_unavailable",
            description,
        )
    };
    let (status, error) = match refusal {
        // What is away is nobody's business but the log's.
        Refusal::Unauthenticated(Denied::Unavailable(_)) => {
            return away("authentication is unavailable now; try again");
        }
        Refusal::Unable(reason) | Refusal::Limited { reason, .. } => return away(reason),
        Refusal::Unauthenticated(_) => (StatusCode::UNAUTHORIZED, "invalid_client"),
        Refusal::Forbidden(_) | Refusal::Hidden => (StatusCode::BAD_REQUEST, "invalid_grant"),
    };
    refused(status, error, &refusal.to_string())
}

/// An error of OAuth.
pub(super) fn refused(status: StatusCode, error: &str, description: &str) -> Response {
    let mut response = (
        status,
        Json(json!({"error": error, "error_description": description})),
    )
        .into_response();
    let more = match status {
        StatusCode::UNAUTHORIZED => Some((header::WWW_AUTHENTICATE, "Bearer")),
        StatusCode::SERVICE_UNAVAILABLE => Some((header::RETRY_AFTER, "1")),
        _ => None,
    };
    let more = more.map(|(name, value)| (name, HeaderValue::from_static(value)));
    response.headers_mut().extend(more);
    response
}
