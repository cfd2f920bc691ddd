//! `GET /`: what this is and where to go.

use super::pages::Asset;
use axum::{
    Json, Router,
    extract::Request,
    response::{IntoResponse, Redirect, Response},
    routing::get,
};
use http::header;
use serde_json::json;

const PAGE: &str = include_str!("../../assets/front.html");
const STYLE: &str = include_str!("../../assets/front.css");
/// As strict as that of the other pages; this one has no script.
const POLICY: &str =
    "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Where operators come to; clients that have an address of their own are told of nothing else.
pub fn router() -> Router {
    Router::new()
        .route("/", get(show))
        .route(
            "/front.css",
            get(|request: Request| async move { asset(STYLE, "text/css; charset=utf-8").answer(&request) }),
        )
        // The older names of the admin API's pages, as neighbours of whatever path is in front of them.
        .route("/swagger-ui", get(|| async { Redirect::permanent("admin/docs") }))
        .route(
            "/swagger-ui/",
            get(|| async { Redirect::permanent("../admin/docs") }),
        )
        .route(
            "/swagger-ui/index.html",
            get(|| async { Redirect::permanent("../admin/docs") }),
        )
        .route(
            "/api-docs/openapi.json",
            get(|| async { Redirect::permanent("../admin/openapi.json") }),
        )
}

/// A page for people, JSON for programs.
async fn show(request: Request) -> Response {
    let accepted = request.headers().get_all(header::ACCEPT).iter();
    let is_browser = accepted
        .filter_map(|accepted| accepted.to_str().ok())
        .any(|accepted| accepted.contains("text/html"));
    if is_browser {
        return asset(PAGE, "text/html; charset=utf-8").answer(&request);
    }
    let data = json!({
        "name": "DynMCP",
        "about": "An MCP gateway: tools as data.",
        "version": env!("CARGO_PKG_VERSION"),
        "mcp": "/mcp/INSTANCE",
        "rest": "/instances/INSTANCE/tools/TOOL",
        "console": "/console",
        "admin_api": "/admin/docs",
        "openapi": "/admin/openapi.json",
        "health": ["/healthz", "/livez", "/readyz"],
        "metrics": "/metrics",
    });
    Json(json!({"code": 200, "message": "success", "data": data})).into_response()
}

fn asset(text: &'static str, media_type: &'static str) -> Asset {
    Asset {
        content: text.as_bytes(),
        media_type,
        policy: POLICY,
        version: None,
    }
}
