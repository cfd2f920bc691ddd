//! The HTTP API behind `dynmcp demo`: a small shop in memory. It knows nothing of MCP; the definitions in
//! `examples/demo/` make tools of it.

mod media;
mod orders;

use axum::{
    Json, Router,
    extract::{Path, Query},
    response::{IntoResponse, Response},
    routing::get,
};
use http::StatusCode;
use orders::Shop;
use serde::Deserialize;
use serde_json::json;
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

/// A slow answer is at most this slow.
const SLOWEST_MS: u64 = 60_000;

/// The whole API, with a few orders in it.
pub fn router() -> Router {
    let shop = Arc::new(Mutex::new(Shop::default()));
    Router::new()
        .route("/orders", get(orders::list).post(orders::create))
        .route("/orders/search", get(orders::search))
        .route("/orders/{id}", get(orders::show))
        .route("/orders/{id}/receipt", get(orders::receipt))
        .route("/products/{sku}/photo", get(media::photo))
        .route("/greeting", get(media::greeting))
        .route("/trouble/{status}", get(trouble))
        .route("/slow", get(slow))
        .fallback(async || Problem::new(StatusCode::NOT_FOUND, "there is no such page in this shop"))
        .with_state(shop)
}

/// What the shop answers when it cannot do something.
struct Problem {
    status: StatusCode,
    message: String,
}

impl Problem {
    fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self {
            status,
            message: message.into(),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        (self.status, Json(json!({"error": self.message}))).into_response()
    }
}

/// Any error, on demand.
async fn trouble(Path(status): Path<u16>) -> Problem {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::IM_A_TEAPOT);
    Problem::new(status, format!("you asked for {status}, here it is"))
}

#[derive(Deserialize)]
struct Slow {
    ms: Option<u64>,
}

/// Takes its time.
async fn slow(Query(query): Query<Slow>) -> Response {
    let ms = query.ms.unwrap_or(1000).min(SLOWEST_MS);
    tokio::time::sleep(Duration::from_millis(ms)).await;
    Json(json!({"waited_ms": ms})).into_response()
}
