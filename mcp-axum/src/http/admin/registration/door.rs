//! Who may announce a server: the policy decides as for `/admin`, by the server's name.

use crate::{
    app::App,
    http::{
        admin::{
            access::{Sender, UNNAMED},
            trail::RequestName,
        },
        body,
        error::{Error, Result},
        resource::Resources,
    },
};
use axum::{
    extract::{FromRequestParts, Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, StatusCode, header, request::Parts};
use mcp_common::authenticator::{Arrival, Principal};
use mcp_core::{
    peer::Peer,
    policy::{self, Action, Answer, Asked, Asking, Door, Refusal, Trace, Verb},
};
use std::sync::Arc;

/// What lets somebody see all servers.
const SEES_ALL: &str = "admin/upstreams/read";
/// What lets somebody have the names of others.
const HAS_ALL: &str = "admin/uds/write";

/// Who calls.
#[derive(Clone)]
pub(super) struct Caller(Principal);

/// What was let in.
pub(super) struct Permit(policy::Permit);

/// Refuses whoever has no good key before anything else is read.
pub(super) async fn enter(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let mut sender = None;
    let answered = serve(&app, request, next, &mut sender).await;
    let mut response = answered.into_response();
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Some(sender) = sender {
        response.extensions_mut().insert(sender);
    }
    response
}

async fn serve(app: &App, mut request: Request, next: Next, sender: &mut Option<Sender>) -> Result<Response> {
    if app.guard.is_open() {
        app.admin.check_pages(request.headers())?;
    }
    let resource = app.resources.as_ref().map(Resources::admin);
    let peer = request.extensions().get::<Arc<Peer>>();
    let arrival = Arrival {
        headers: request.headers(),
        resource: resource.as_deref(),
        certificate: peer.and_then(|peer| peer.certificate()),
    };
    let found = app.admin.recognise(&app.guard, arrival).await;
    *sender = found.as_ref().ok().map(|principal| Sender {
        principal: principal.clone(),
        has_entered: false,
    });
    let refused = |refusal: Refusal| Error::refused(&refusal, app.guard.challenge());
    let principal = app
        .gateway
        .policy
        .enter(Door::Admin, None, found)
        .map_err(refused)?;
    if let Some(sender) = sender {
        sender.has_entered = true;
    }
    body::check_coding(request.headers())?;
    request.extensions_mut().insert(Caller(principal));
    Ok(next.run(request).await)
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self> {
        let caller = parts.extensions.get::<Self>().cloned();
        caller.ok_or_else(|| Error::internal("a route without its door"))
    }
}

impl Caller {
    /// Whether the caller may do something to the server of this name.
    pub(super) fn admit(&self, app: &App, parts: &Parts, name: &str) -> Result<Permit> {
        let path = format!("/register/{name}");
        let peer = parts.extensions.get::<Arc<Peer>>();
        let request = parts.extensions.get::<RequestName>();
        let asked = Asked {
            principal: &self.0,
            action: Action::Admin {
                verb: Verb::of(&parts.method),
                path: &path,
            },
            common: &[],
            request: Asking {
                id: request.map_or(&UNNAMED, |RequestName(id)| id),
                address: peer.and_then(|peer| peer.address()),
                headers: &parts.headers,
            },
        };
        let permit = app.gateway.policy.admit(&asked);
        permit
            .map(Permit)
            .map_err(|refusal| Error::refused(&refusal, app.guard.challenge()))
    }

    /// Whose name registrations are in, and whether those of others are at hand, too. Keys of the store may share a name, and have ids of their own.
    pub(super) fn owner(&self) -> (&Arc<str>, bool) {
        let key = self.0.grant.as_ref().and_then(|grant| grant.key());
        (key.unwrap_or(&self.0.subject), self.0.may(HAS_ALL))
    }

    /// Whether the server of this name is shown.
    pub(super) fn may_see(&self, name: &str) -> bool {
        self.0.may(SEES_ALL) || self.0.may(&format!("register/{name}"))
    }
}

impl Permit {
    /// It came to nothing: the record says with which status.
    pub(super) fn refused(&mut self, error: Error) -> Error {
        self.done(error.status());
        error
    }

    /// What it was answered with.
    pub(super) fn done(&mut self, status: StatusCode) {
        self.0.answered(&Answer {
            status,
            trace: &Trace::default(),
            bytes: None,
            revision: None,
        });
    }
}
