//! Who may use the admin API, as the policy says. Refuses before anything else is read.

use super::trail::RequestName;
use crate::{
    app::App,
    http::{
        body,
        error::{Error, Result},
        resource::Resources,
    },
};
use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use http_body::Body as _;
use mcp_common::{
    authenticator::{Arrival, Principal},
    key::Revision,
};
use mcp_core::{
    peer::Peer,
    policy::{Action, Answer, Asked, Asking, Door, Refusal, Trace, Verb},
};
use std::{borrow::Cow, sync::Arc};

/// Of a request that nobody named.
pub(super) static UNNAMED: HeaderValue = HeaderValue::from_static("-");

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

/// Who sent a request, for its record: an extension of the answer.
#[derive(Clone)]
pub(super) struct Sender {
    pub(super) principal: Principal,
    /// The policy has let them in.
    pub(super) has_entered: bool,
}

/// Whether whoever made a request with these headers may still do this.
pub(super) async fn may_still(app: &App, headers: &HeaderMap, peer: Option<&Peer>, action: &str) -> bool {
    let resource = app.resources.as_ref().map(Resources::admin);
    let arrival = Arrival {
        headers,
        resource: resource.as_deref(),
        certificate: peer.and_then(Peer::certificate),
    };
    let found = app.admin.recognise(&app.guard, arrival).await;
    let entered = app.gateway.policy.enter(Door::Admin, None, found);
    entered.is_ok_and(|principal| principal.may(action))
}

/// Lets administrators in and tells the handlers who it is.
pub(super) async fn enter(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let mut sender = None;
    let answered = serve(&app, request, next, &mut sender).await;
    let mut response = answered.into_response();
    if let Some(sender) = sender {
        response.extensions_mut().insert(sender);
    }
    response
}

async fn serve(app: &App, mut request: Request, next: Next, sender: &mut Option<Sender>) -> Result<Response> {
    // No key that a page would have to know: a page of anybody's, open in an administrator's browser, could write.
    if app.guard.is_open() {
        app.admin.access.check_with_own_pages(request.headers())?;
    }
    let resource = app.resources.as_ref().map(Resources::admin);
    let peer = request.extensions().get::<Arc<Peer>>().cloned();
    let arrival = Arrival {
        headers: request.headers(),
        resource: resource.as_deref(),
        certificate: peer.as_ref().and_then(|peer| peer.certificate()),
    };
    let found = app.admin.recognise(&app.guard, arrival).await;
    *sender = found.as_ref().ok().map(|principal| Sender {
        principal: principal.clone(),
        has_entered: false,
    });
    let policy = &app.gateway.policy;
    let refused = |refusal: Refusal| Error::refused(&refusal, app.guard.challenge());
    let principal = policy.enter(Door::Admin, None, found).map_err(refused)?;
    if let Some(sender) = sender {
        sender.has_entered = true;
    }
    // Here too calls can be made, and calls that come back here.
    if let Err(found) = app.gateway.check_way(request.headers()) {
        return Err(Error::new(StatusCode::LOOP_DETECTED, found.to_string()));
    }
    body::check_coding(request.headers())?;
    let path = request.uri().path().to_owned();
    let place = place(&path);
    let action = Action::Admin {
        verb: Verb::of(request.method()),
        path: &place,
    };
    let name = request.extensions().get::<RequestName>();
    let asked = Asked {
        principal: &principal,
        action,
        common: &[],
        request: Asking {
            id: name.map_or(&UNNAMED, |RequestName(id)| id),
            address: peer.as_ref().and_then(|peer| peer.address()),
            headers: request.headers(),
        },
    };
    let mut permit = policy.admit(&asked).map_err(refused)?;
    request.extensions_mut().insert(principal);
    let mut response = next.run(request).await;
    permit.answered(&Answer {
        status: response.status(),
        trace: &Trace::default(),
        bytes: response.body().size_hint().exact(),
        revision: revision(&response),
    });
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// What of `/admin` a path stands for, also one of an older door, or below the list of what is running.
fn place(path: &str) -> Cow<'_, str> {
    if let Some(upstream) = path.strip_prefix("/admin/upstreams/") {
        return format!("/uds/{upstream}").into();
    }
    let older = super::older::PLACES.iter().find_map(|(start, place)| {
        let rest = path.strip_prefix(start)?;
        (rest.is_empty() || rest.starts_with('/')).then(|| format!("{place}{rest}"))
    });
    match older {
        Some(place) => place.into(),
        None => path.strip_prefix("/admin").unwrap_or(path).into(),
    }
}

/// What the answer is about, as its `ETag` has it.
fn revision(response: &Response) -> Option<Revision> {
    let tag = response.headers().get(header::ETAG)?.to_str().ok()?;
    tag.trim_matches('"').parse().ok()
}

#[cfg(test)]
mod tests {
    use super::place;

    #[test]
    fn an_older_path_stands_for_what_it_is_here_and_for_nothing_that_begins_alike() {
        for (path, expected) in [
            ("/admin/tds/a", "/tds/a"),
            ("/admin/upstreams", "/upstreams"),
            ("/admin/upstreams/weather/check", "/uds/weather/check"),
            ("/api/v1/mcp/servers", "/uds"),
            ("/api/v1/mcp/servers/weather", "/uds/weather"),
            (
                "/api/v1/mcp/servers/weather/tools/t/execute",
                "/uds/weather/tools/t/execute",
            ),
            ("/api/v1/admin/servers", "/uds"),
            ("/api/v1/admin/servers/", "/uds/"),
            ("/api/v1/admin/tools", "/tds"),
            ("/api/v1/admin/metrics", "/metrics"),
            ("/api/v1/admin/serversX", "/api/v1/admin/serversX"),
            (
                "/api/v1/mcp/servers-of-others/a",
                "/api/v1/mcp/servers-of-others/a",
            ),
        ] {
            assert_eq!(place(path), expected);
        }
    }
}
