//! Where browsers come back to from authorization servers of upstreams (`/oauth/callback/{upstream}`), and what the gateway says of itself to these
//! (`/oauth/client/{upstream}.json`). Both are for everybody: what counts is the `state`, which nobody guesses and which is good once, at its upstream's place.

use super::{
    connect,
    error::{Error, Result},
    manners::method_not_allowed,
};
use crate::app::App;
use axum::{
    Json, Router,
    extract::{Path, Query, State, rejection::QueryRejection},
    response::{IntoResponse, Response},
    routing::get,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use mcp_core::oauth::{Answered, CALLBACK, CLIENT_DOCUMENTS, LoggedIn, Registrant};
use serde::Deserialize;
use std::{fmt, sync::Arc};

/// What is said is text, for nobody's frame and nobody's cache, and its address, which has a code in it, is told to nobody.
const MANNERS: [(HeaderName, &str); 5] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; frame-ancestors 'none'",
    ),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::CACHE_CONTROL, "no-store"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
];

#[derive(Deserialize)]
struct Came {
    state: Option<String>,
    code: Option<String>,
    iss: Option<String>,
    error: Option<String>,
    error_description: Option<String>,
}

impl fmt::Debug for Came {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Came")
    }
}

/// Both of them.
pub(crate) fn router(app: Arc<App>) -> Router {
    Router::new()
        .route(&format!("{CALLBACK}/{{upstream}}"), get(come_back))
        .route(&format!("{CLIENT_DOCUMENTS}/{{document}}"), get(client_document))
        .method_not_allowed_fallback(method_not_allowed)
        .with_state(app)
}

/// Ends a login.
async fn come_back(
    State(app): State<Arc<App>>,
    Path(place): Path<String>,
    method: Method,
    headers: HeaderMap,
    came: std::result::Result<Query<Came>, QueryRejection>,
) -> Response {
    // Whoever only looks whether there is something ends nothing.
    if method != Method::GET {
        return said(StatusCode::NO_CONTENT, String::new());
    }
    let Ok(Query(came)) = came else {
        return said(
            StatusCode::BAD_REQUEST,
            "This is no answer of an authorization server.\n".to_owned(),
        );
    };
    let answered = match (came.code, came.error) {
        (_, Some(error)) => {
            let words = came.error_description.unwrap_or_default();
            Answered::Error(format!("{error} {words}").trim_end().to_owned())
        }
        (Some(code), None) => Answered::Code(code.into()),
        (None, None) => {
            let text = "This is where a login to an upstream comes back to: `code` or `error` is missing.\n";
            return said(StatusCode::BAD_REQUEST, text.to_owned());
        }
    };
    let state = came.state.unwrap_or_default();
    let waiting = app.hub.upstream_of_login(&state);
    let signed_in = app.browsers.of(&app, &headers);
    let failed = |why: &str| match &signed_in {
        Some(_) => connect::came_back(Err(why)),
        None => said(
            StatusCode::BAD_REQUEST,
            format!("The gateway is not logged in: {why}.\n"),
        ),
    };
    if let Some(upstream) = waiting.as_ref().filter(|upstream| ***upstream != *place) {
        // It was led to another authorization server than the one that it was sent to.
        tracing::warn!(
            upstream = &**upstream,
            "a login to an upstream came back to the place of another one"
        );
        return failed(&format!(
            "the login was begun for `{upstream}`, and came back to the place of another upstream: nothing was done with it"
        ));
    }
    let of = (
        came.iss.as_deref(),
        signed_in.as_ref().map(|browser| &*browser.id),
    );
    match app.hub.finish_login(&state, of, answered).await {
        Ok(LoggedIn {
            upstream,
            caller: Some(caller),
        }) => {
            let (upstream, principal) = (&*upstream, &*caller);
            tracing::info!(upstream, principal, "a caller has connected their account");
            connect::came_back(Ok(upstream))
        }
        Ok(LoggedIn { upstream, .. }) => {
            tracing::info!(upstream = &*upstream, "somebody has logged in to an upstream");
            let text = format!("The gateway is logged in to `{upstream}` now. This page can be closed.\n");
            said(StatusCode::OK, text)
        }
        Err(error) => {
            // Anybody may come with anything.
            match waiting {
                Some(_) => tracing::warn!(%error, "a login to an upstream came to nothing"),
                None => tracing::debug!(%error, "somebody came back from a login that nobody waits for"),
            }
            failed(&error.to_string())
        }
    }
}

/// Where browsers find the gateway: where it says, or on the machine that it was asked on.
pub(crate) fn registrant(app: &App, headers: &HeaderMap) -> Result<Registrant> {
    base(app, headers).map(|base| Registrant::at(&base))
}

/// The same as text, without a slash at its end.
pub(crate) fn base(app: &App, headers: &HeaderMap) -> Result<String> {
    if let Some(public_url) = &app.settings.app.public_url {
        return Ok(public_url.trim_end_matches('/').to_owned());
    }
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let scheme = if app.tls.is_some() { "https" } else { "http" };
    let base = host
        .map(|host| format!("{scheme}://{host}"))
        .filter(|base| base.parse::<Uri>().is_ok_and(|uri| is_this_machine(&uri)));
    base.ok_or_else(|| {
        Error::new(
            StatusCode::CONFLICT,
            "nobody could come back from the login: `app.public_url` does not say by which URL browsers reach the gateway",
        )
    })
}

fn is_this_machine(uri: &Uri) -> bool {
    let host = uri.host().unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost"
        || host
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

/// What the gateway is, for authorization servers that know clients by their URL.
async fn client_document(State(app): State<Arc<App>>, Path(document): Path<String>) -> Response {
    let public_url = app.settings.app.public_url.as_deref();
    // Also of an upstream that there is not: who asks does not learn which there are.
    let upstream = document.strip_suffix(".json").filter(|id| is_id(id));
    let presence = public_url.zip(upstream);
    match presence.and_then(|(base, upstream)| Registrant::at(base).of(upstream).client_document()) {
        Some(document) => {
            let mut response = Json(document).into_response();
            response
                .headers_mut()
                .insert(header::CACHE_CONTROL, HeaderValue::from_static("max-age=300"));
            response
        }
        None => Error::not_found(
            "this gateway is known to nobody by such a document: they are called UPSTREAM.json, and `app.public_url` has to begin with https://",
        )
        .into_response(),
    }
}

/// What an upstream can be called.
fn is_id(text: &str) -> bool {
    (1..=32).contains(&text.len())
        && text
            .bytes()
            .all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-'))
}

fn said(status: StatusCode, text: String) -> Response {
    let mut response = (status, text).into_response();
    for (name, value) in MANNERS {
        response
            .headers_mut()
            .insert(name, HeaderValue::from_static(value));
    }
    response
}
