//! Paths that other gateways have for what is below `/admin` here: the same request, with the name that it has here.

use axum::{Router, extract::Request, response::Response, routing::get};
use http::Uri;
use tower::ServiceExt;

/// Names elsewhere, and here.
const ALIASES: [(&str, &str); 2] = [
    ("/api/v1/admin/config/status", "/admin/config/status"),
    ("/api/v1/events", "/admin/events"),
];

/// Everything that is refused or remembered there is here, too.
pub(super) fn router(routes: &Router) -> Router {
    ALIASES.iter().fold(Router::new(), |all, (elsewhere, here)| {
        let routes = routes.clone();
        all.route(
            elsewhere,
            get(move |request| under(routes.clone(), request, here)),
        )
    })
}

async fn under(routes: Router, mut request: Request, path: &str) -> Response {
    let query = request.uri().query().map(|query| format!("?{query}"));
    if let Ok(uri) = format!("{path}{}", query.unwrap_or_default()).parse::<Uri>() {
        *request.uri_mut() = uri;
    }
    routes
        .oneshot(request)
        .await
        .unwrap_or_else(|never| match never {})
}
