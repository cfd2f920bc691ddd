//! Who may use the admin API. Refuses before anything else is read.

use crate::{
    app::App,
    http::error::{Error, Result},
};
use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use http::{HeaderValue, StatusCode, header};
use mcp_common::authenticator::{Denied, Principal};
use std::sync::Arc;

/// Until everything is loaded nobody can say what there is, nor what would clash with it.
pub(super) async fn loaded(State(app): State<Arc<App>>, request: Request, next: Next) -> Result<Response> {
    if !app.catalog.loaded() {
        return Err(Error::unavailable(
            "the definitions are still being loaded; try again",
        ));
    }
    Ok(next.run(request).await)
}

/// Lets administrators in and tells the handlers who it is.
pub(super) async fn enter(State(app): State<Arc<App>>, mut request: Request, next: Next) -> Result<Response> {
    // No key that a page would have to know: a page of anybody's, open in an administrator's browser, could write.
    if app.guard.is_open() {
        app.admin.access.check_with_own_pages(request.headers())?;
    }
    let authenticated = app.guard.authenticate(request.headers()).await;
    let principal = authenticated.map_err(|denied| Error::denied(&denied, app.guard.challenge()))?;
    if !principal.admin && principal == Principal::anonymous() {
        // Let in without a key; with one it may be different.
        return Err(Error::denied(&Denied::Missing, app.guard.challenge()));
    }
    if !principal.admin {
        return Err(Error::forbidden(
            "this key may use instances but not /admin; use an admin key",
        ));
    }
    // Here too calls can be made, and calls that come back here.
    if let Err(found) = app.gateway.check_way(request.headers()) {
        return Err(Error::new(StatusCode::LOOP_DETECTED, found.to_string()));
    }
    request.extensions_mut().insert(principal.clone());
    let mut response = next.run(request).await;
    response.extensions_mut().insert(principal); // for the log line
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}
