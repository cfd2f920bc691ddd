//! `GET /admin/docs`: a page to browse the API and try it. Public like the document it shows; the key that is typed
//! into it goes only into the requests that the page's user sends, and is forgotten with the tab.

use crate::{app::App, http::pages::Asset};
use axum::{
    Router,
    extract::Request,
    routing::{MethodRouter, get},
};
use std::sync::Arc;

const PAGE: &str = include_str!("../../../assets/docs.html");
const STYLE: &str = include_str!("../../../assets/docs.css");
const SCRIPT: &str = include_str!("../../../assets/docs.js");

/// The policy of the page: nothing from elsewhere, nothing inline, in no frame.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; \
                      form-action 'none'; frame-ancestors 'none'";

pub(super) fn router() -> Router<Arc<App>> {
    Router::new()
        .route("/docs", asset(PAGE, "text/html; charset=utf-8"))
        .route("/docs/docs.css", asset(STYLE, "text/css; charset=utf-8"))
        .route("/docs/docs.js", asset(SCRIPT, "text/javascript; charset=utf-8"))
}

fn asset(text: &'static str, media_type: &'static str) -> MethodRouter<Arc<App>> {
    let asset = Asset {
        content: text.as_bytes(),
        media_type,
        policy: POLICY,
        version: None,
    };
    get(move |request: Request| async move { asset.answer(&request) })
}
