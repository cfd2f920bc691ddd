//! The gateway as a resource server of OAuth 2.1: what tells clients where they get tokens for an instance (RFC 9728), and why a
//! request without a good one is refused (RFC 6750, section 3).

use super::{error::Error, manners::method_not_allowed};
use crate::{
    app::{App, Guard},
    settings::AppSettings,
};
use axum::{
    Json, Router,
    extract::{Path, State},
    response::{IntoResponse, Response},
    routing::get,
};
use http::Method;
use mcp_common::{authenticator::Denied, definition::name::check_id};
use serde::Serialize;
use std::sync::Arc;
use tower_http::cors::{AllowHeaders, AllowOrigin, CorsLayer};

/// Before the path of what the metadata are about (RFC 9728, section 3.1).
const WELL_KNOWN: &str = "/.well-known/oauth-protected-resource";

/// The name by which tokens and metadata call this gateway, where it has one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Resources {
    public_url: String,
}

#[derive(Serialize)]
struct Metadata {
    resource: String,
    authorization_servers: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    scopes_supported: Vec<String>,
    bearer_methods_supported: [&'static str; 1],
}

impl Resources {
    /// Without tokens nobody asks for their names.
    pub(crate) fn of_gateway(settings: &AppSettings, guard: &Guard) -> Option<Self> {
        let public_url = settings.public_url.as_deref();
        Self::of(public_url.filter(|_| !guard.issuers().is_empty()))
    }

    /// `None` where the gateway does not know its own name.
    pub(crate) fn of(public_url: Option<&str>) -> Option<Self> {
        let public_url = public_url?.trim_end_matches('/').to_owned();
        Some(Self { public_url })
    }

    /// The URI of an instance.
    pub(crate) fn instance(&self, id: &str) -> String {
        format!("{}/mcp/{id}", self.public_url)
    }

    /// The URI of the admin API.
    pub(crate) fn admin(&self) -> String {
        format!("{}/admin", self.public_url)
    }

    fn metadata_of(&self, id: &str) -> String {
        format!("{}{WELL_KNOWN}/mcp/{id}", self.public_url)
    }
}

/// What a client is told who was not let in to an instance.
pub(crate) fn challenge(
    guard: &Guard,
    resources: Option<&Resources>,
    instance: &str,
    denied: &Denied,
) -> String {
    let Some(resources) = resources.filter(|_| !guard.issuers().is_empty() && check_id(instance).is_ok())
    else {
        return guard.challenge().to_owned();
    };
    let mut challenge = String::from("Bearer ");
    match denied {
        Denied::Missing | Denied::Unavailable(_) => {}
        Denied::Invalid(_) => challenge += "error=\"invalid_token\", ",
        Denied::Scopes(_) => challenge += "error=\"insufficient_scope\", ",
    }
    // All of them at once, so that a client asks for a token once.
    let mut scopes = guard.scopes().to_vec();
    if let Denied::Scopes(needed) = denied {
        scopes.extend(
            needed
                .iter()
                .filter(|scope| !guard.scopes().contains(scope))
                .cloned(),
        );
    }
    if !scopes.is_empty() {
        challenge += &format!("scope=\"{}\", ", scopes.join(" "));
    }
    challenge + &format!("resource_metadata=\"{}\"", resources.metadata_of(instance))
}

/// The metadata, for everybody and every page.
pub(crate) fn router(app: Arc<App>) -> Router {
    if app.resources.is_none() {
        return Router::new();
    }
    // Clients in pages name their revision, too, which is asked about first.
    let everybody = CorsLayer::new()
        .allow_origin(AllowOrigin::any())
        .allow_methods([Method::GET])
        .allow_headers(AllowHeaders::mirror_request());
    Router::new()
        .route(&format!("{WELL_KNOWN}/mcp/{{instance}}"), get(metadata))
        .method_not_allowed_fallback(method_not_allowed)
        .layer(everybody)
        .with_state(app)
}

/// The same for every id, so that nobody learns which there are.
async fn metadata(State(app): State<Arc<App>>, Path(instance): Path<String>) -> Response {
    let Some(resources) = app.resources.as_ref().filter(|_| check_id(&instance).is_ok()) else {
        return Error::not_found("this names no instance").into_response();
    };
    let metadata = Metadata {
        resource: resources.instance(&instance),
        authorization_servers: app.guard.issuers().to_vec(),
        scopes_supported: app.guard.scopes().to_vec(),
        bearer_methods_supported: ["header"],
    };
    Json(metadata).into_response()
}
