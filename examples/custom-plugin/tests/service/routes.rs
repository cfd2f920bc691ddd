//! The service over HTTP.

use super::{
    Fault, Shared, TOKEN,
    definitions::{If, LARGEST, Name},
};
use axum::{
    Json, Router,
    body::Bytes,
    extract::{DefaultBodyLimit, Path, Query, Request, State},
    http::{HeaderMap, StatusCode, header},
    middleware::{self, Next},
    response::{Html, IntoResponse, Response},
    routing::get,
};
use percent_encoding::percent_decode_str;
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;

pub(super) fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/definitions", get(list))
        .route("/definitions/{kind}/{id}", axum::routing::put(put).delete(delete))
        .route("/definitions/{kind}/{id}/history", get(history))
        .layer(DefaultBodyLimit::max(2 * LARGEST))
        .layer(middleware::from_fn_with_state(shared.clone(), weather))
        .with_state(shared)
}

/// Who may come in, and what goes wrong.
async fn weather(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    let page = Html("<html>Sorry.</html>");
    let delay = *shared.delay.lock().unwrap();
    tokio::time::sleep(delay).await;
    let fault = *shared.fault.lock().unwrap();
    match fault {
        Some(Fault::Silence) => std::future::pending().await,
        Some(Fault::Page) => return page.into_response(),
        Some(Fault::Status(status)) => {
            return (StatusCode::from_u16(status).unwrap(), page).into_response();
        }
        None => {}
    }
    let is_known = |value: &header::HeaderValue| value.as_bytes() == format!("Bearer {TOKEN}").as_bytes();
    if !request.headers().get(header::AUTHORIZATION).is_some_and(is_known) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    next.run(request).await
}

async fn list(State(shared): State<Arc<Shared>>, headers: HeaderMap) -> Response {
    let definitions = shared.definitions.lock().unwrap();
    let etag = format!("\"{}\"", definitions.revision());
    let known = headers.get(header::IF_NONE_MATCH).map(|value| value.as_bytes());
    let is_known = known.is_some_and(|known| known == b"*" || known == etag.as_bytes());
    let status = if is_known {
        StatusCode::NOT_MODIFIED
    } else {
        StatusCode::OK
    };
    shared.polls.lock().unwrap().push(status.as_u16());
    if is_known {
        return (status, [(header::ETAG, etag)]).into_response();
    }
    let content = "application/json".to_owned();
    let headers = [(header::ETAG, etag), (header::CONTENT_TYPE, content)];
    (status, headers, definitions.listing()).into_response()
}

async fn put(
    State(shared): State<Arc<Shared>>,
    Path(name): Path<Name>,
    headers: HeaderMap,
    body: Bytes,
) -> (StatusCode, Json<Value>) {
    if body.len() > LARGEST {
        return (StatusCode::PAYLOAD_TOO_LARGE, Json(json!({"limit": LARGEST})));
    }
    let text = String::from_utf8(body.to_vec()).unwrap();
    let mut definitions = shared.definitions.lock().unwrap();
    match definitions.check(&name, &condition(&headers)) {
        Ok(_) => said(
            StatusCode::OK,
            Some(definitions.put(name, Some(&principal(&headers)), &text)),
        ),
        Err(current) => said(StatusCode::PRECONDITION_FAILED, current),
    }
}

async fn delete(
    State(shared): State<Arc<Shared>>,
    Path(name): Path<Name>,
    headers: HeaderMap,
) -> (StatusCode, Json<Value>) {
    let mut definitions = shared.definitions.lock().unwrap();
    match definitions.check(&name, &condition(&headers)) {
        Ok(_) => match definitions.delete(&name, Some(&principal(&headers))) {
            Some(revision) => said(StatusCode::OK, Some(revision)),
            None => said(StatusCode::NOT_FOUND, None),
        },
        Err(current) => said(StatusCode::PRECONDITION_FAILED, current),
    }
}

fn said(status: StatusCode, revision: Option<u64>) -> (StatusCode, Json<Value>) {
    (status, Json(json!({"revision": revision})))
}

#[derive(Deserialize)]
struct Wanted {
    limit: usize,
}

async fn history(
    State(shared): State<Arc<Shared>>,
    Path(name): Path<Name>,
    Query(wanted): Query<Wanted>,
) -> Json<Value> {
    let definitions = shared.definitions.lock().unwrap();
    Json(json!({"history": definitions.history(&name, wanted.limit)}))
}

fn condition(headers: &HeaderMap) -> If {
    if headers.contains_key(header::IF_NONE_MATCH) {
        return If::Absent;
    }
    match headers.get(header::IF_MATCH) {
        None => If::Always,
        Some(tag) => If::Revision(tag.to_str().unwrap().trim_matches('"').parse().unwrap()),
    }
}

fn principal(headers: &HeaderMap) -> String {
    let value = headers.get("x-principal").unwrap().to_str().unwrap();
    percent_decode_str(value).decode_utf8().unwrap().into_owned()
}
