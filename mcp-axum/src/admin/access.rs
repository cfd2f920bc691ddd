//! Who may use the admin API. Refuses before anything else is read.

use crate::{
    app::App,
    error::{Error, Result},
};
use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use mcp_common::authenticator::{Denied, Principal};
use std::sync::Arc;

/// Lets administrators in and tells the handlers who it is.
pub(super) async fn enter(State(app): State<Arc<App>>, mut request: Request, next: Next) -> Result<Response> {
    let authenticated = app.guard.authenticate(request.headers()).await;
    let principal = authenticated.map_err(|denied| Error::denied(&denied, app.guard.challenge()))?;
    if !principal.admin && principal == Principal::anonymous() {
        // Let in without a key; with one it may be different.
        return Err(Error::denied(&Denied::Missing, app.guard.challenge()));
    }
    if !principal.admin {
        return Err(Error::forbidden("this key may use instances but not /admin; use an admin key"));
    }
    request.extensions_mut().insert(principal.clone());
    let mut response = next.run(request).await;
    response.extensions_mut().insert(principal); // for the log line
    Ok(response)
}
