//! Who may use the admin API, as the policy says. Refuses before anything else is read.

use crate::{
    app::App,
    http::{
        body,
        error::{Error, Result},
    },
};
use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use http::{HeaderValue, StatusCode, header};
use mcp_common::authenticator::Principal;
use mcp_core::policy::{Action, Asked, Door, Refusal, Verb};
use std::sync::Arc;

/// Waits for the first load: until then nobody can say what there is, nor what would clash with it.
pub(super) async fn loaded(State(app): State<Arc<App>>, request: Request, next: Next) -> Result<Response> {
    if !app.catalog.loaded() {
        return Err(Error::unavailable(
            "the definitions are still being loaded; try again",
        ));
    }
    Ok(next.run(request).await)
}

/// Whether a caller whom the policy has let in may also do these things: what one request does in several places.
pub(super) fn check(principal: &Principal, actions: impl IntoIterator<Item = String>) -> Result<()> {
    match actions.into_iter().find(|action| !principal.may(action)) {
        Some(action) => Err(Error::refused(&Refusal::not_allowed(principal, &action), "")),
        None => Ok(()),
    }
}

/// Lets administrators in and tells the handlers who it is.
pub(super) async fn enter(State(app): State<Arc<App>>, mut request: Request, next: Next) -> Result<Response> {
    // No key that a page would have to know: a page of anybody's, open in an administrator's browser, could write.
    if app.guard.is_open() {
        app.admin.access.check_with_own_pages(request.headers())?;
    }
    let found = app.guard.authenticate(request.headers()).await;
    let policy = &app.gateway.policy;
    let refused = |refusal: Refusal| Error::refused(&refusal, app.guard.challenge());
    let principal = policy.enter(Door::Admin, None, found).map_err(refused)?;
    // Here too calls can be made, and calls that come back here.
    if let Err(found) = app.gateway.check_way(request.headers()) {
        return Err(Error::new(StatusCode::LOOP_DETECTED, found.to_string()));
    }
    body::check_coding(request.headers())?;
    let path = request.uri().path().to_owned();
    let action = Action::Admin {
        verb: Verb::of(request.method()),
        path: path.strip_prefix("/admin").unwrap_or(&path),
    };
    let asked = Asked {
        principal: &principal,
        action,
    };
    let _permit = policy.admit(&asked).map_err(refused)?;
    request.extensions_mut().insert(principal.clone());
    let mut response = next.run(request).await;
    response.extensions_mut().insert(principal); // for the log line
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}
