//! `GET /admin/docs`: a page to browse the API and try it. Public like the document it shows; the key that is typed
//! into it goes only into the requests that the page's user sends, and is forgotten with the tab.

use crate::app::App;
use axum::{
    Router,
    response::{IntoResponse, Response},
    routing::{MethodRouter, get},
};
use http::{HeaderValue, header};
use std::sync::Arc;

const PAGE: &str = include_str!("../../../assets/docs.html");
const STYLE: &str = include_str!("../../../assets/docs.css");
const SCRIPT: &str = include_str!("../../../assets/docs.js");

/// The policy of the page: nothing from elsewhere, nothing inline, in no frame.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; \
     form-action 'none'; frame-ancestors 'none'",
);

pub(super) fn router() -> Router<Arc<App>> {
    Router::new()
        .route("/docs", asset(PAGE, "text/html; charset=utf-8"))
        .route("/docs/docs.css", asset(STYLE, "text/css; charset=utf-8"))
        .route("/docs/docs.js", asset(SCRIPT, "text/javascript; charset=utf-8"))
}

fn asset(text: &'static str, media_type: &'static str) -> MethodRouter<Arc<App>> {
    get(move || async move { serve(text, media_type) })
}

fn serve(text: &'static str, media_type: &'static str) -> Response {
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(media_type)),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (
            header::X_CONTENT_TYPE_OPTIONS,
            HeaderValue::from_static("nosniff"),
        ),
        (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
    ];
    (headers, text).into_response()
}
