//! The admin API: definitions come in, are validated by compiling, stored, and are served from the next request on.
//!
//! Every path needs an admin's key, except the documentation (`/admin/openapi.json`, `/admin/schema/…` and the
//! page `/admin/docs`): it is the same for every gateway and holds nothing of this one.
//!
//! Answers: `{"code":200,"message":"success","data":…}`, beside it `revision` (also as `ETag`), `warnings` and
//! `next_cursor`; refusals: [`Error`].

mod access;
mod access_explain;
mod aliases;
mod audit;
mod clients;
mod collection;
mod delete;
mod disabled;
mod discovery;
mod docs;
mod entry;
mod envelope;
mod events;
mod explain;
mod export;
mod grants;
mod history;
mod import;
mod item;
mod keys;
mod older;
mod openapi;
mod own_access;
mod page;
mod parameters;
mod pin;
mod plan;
mod precondition;
mod put;
mod quarantine;
mod registration;
mod rollback;
mod schema;
mod status;
mod trail;
mod upstream_login;
mod upstreams;
mod verify;
mod written;

use super::{
    conditional,
    error::Error,
    manners::method_not_allowed,
    mcp::{AccessRules, RequestIds},
};
use crate::{
    app::{App, Guard},
    settings::AppSettings,
};
use axum::{
    Extension, Router,
    extract::OriginalUri,
    middleware::{from_fn, from_fn_with_state},
    routing::{delete, get, post},
};
use disabled::Disabled;
use http::HeaderMap;
use mcp_common::{
    authenticator::{Arrival, Denied, Principal},
    key::Kind,
};
use mcp_core::{authoring::writer::Writer, engine::Engine};
use std::{sync::Arc, time::Duration};
use tokio::sync::{Mutex, Semaphore};
pub(crate) use trail::refused;

/// The time for a body that may be many definitions: 64 MiB at 2 Mbit/s.
const PATIENCE: Duration = Duration::from_secs(300);

/// What all admin requests of a gateway share.
#[derive(Debug)]
pub struct Admin {
    request_ids: RequestIds,
    writer: Arc<Writer>,
    /// One import or plan at a time: each holds a large document.
    imports: Arc<Mutex<()>>,
    /// Explains calls and makes those that are to be seen. Its connections are not those of the data plane.
    engine: Engine,
    access: AccessRules,
    disabled: Disabled,
    /// Places for streams of events.
    event_streams: Arc<Semaphore>,
}

impl Admin {
    /// `engine` has the settings of the data plane's.
    pub fn new(engine: Engine, writer: Arc<Writer>, settings: &AppSettings) -> Self {
        Self {
            access: AccessRules::new(settings),
            request_ids: RequestIds::random(),
            writer,
            imports: Arc::default(),
            engine,
            disabled: Disabled::default(),
            event_streams: Arc::new(Semaphore::new(events::MOST)),
        }
    }

    /// The same under another configuration.
    pub(crate) fn under(&self, engine: Engine, settings: &AppSettings) -> Self {
        Self {
            imports: self.imports.clone(),
            event_streams: self.event_streams.clone(),
            ..Self::new(engine, self.writer.clone(), settings)
        }
    }
}

impl Admin {
    /// The way into the store.
    pub(crate) fn writer(&self) -> &Arc<Writer> {
        &self.writer
    }

    /// Whether a page of anybody's may not have sent this, where no key is needed.
    pub(crate) fn check_pages(&self, headers: &HeaderMap) -> Result<(), Error> {
        self.access.check_with_own_pages(headers)
    }

    /// Who sent a request.
    pub(crate) async fn recognise(&self, guard: &Guard, arrival: Arrival<'_>) -> Result<Principal, Denied> {
        self.access.recognise(guard, arrival).await
    }

    /// How many streams of events are open.
    pub fn open_event_streams(&self) -> usize {
        events::MOST - self.event_streams.available_permits()
    }
}

/// The routes under `/admin`.
pub fn router(app: Arc<App>) -> Router {
    let collections = Kind::all().into_iter().fold(Router::new(), |routes, kind| {
        routes.nest(&format!("/{}", kind.path_segment()), collection(kind))
    });
    let definitions = collections
        .route(
            "/quarantine",
            get(quarantine::list).layer(from_fn(conditional::list)),
        )
        .route("/import/{format}", post(import::run))
        .route("/plan", post(plan::show).layer(from_fn(parameters::none)))
        .route("/apply", post(plan::apply))
        .route("/export", get(export::show))
        .route(
            "/upstreams",
            get(upstreams::list).layer(from_fn(conditional::list)),
        )
        // What is listed there can be asked there.
        .route(
            "/upstreams/{id}/check",
            post(upstreams::check)
                .layer::<_, std::convert::Infallible>(from_fn(parameters::none))
                .layer(Extension(Kind::UPSTREAM)),
        )
        .route(
            "/access/explain",
            post(access_explain::run).layer(from_fn(parameters::none)),
        )
        .route_layer(from_fn_with_state(app.clone(), access::loaded));
    let guarded = definitions
        .route("/status", get(status::show))
        .route("/config/status", get(status::config))
        .route("/access", get(own_access::show))
        .route("/events", get(events::stream))
        .route(
            "/discovery",
            get(discovery::list).layer(from_fn(conditional::list)),
        )
        .route("/grants", get(grants::list).layer(from_fn(conditional::list)))
        .route(
            "/grants/{id}",
            delete(grants::remove).layer(from_fn(parameters::none)),
        )
        .route("/audit", get(audit::list))
        .fallback(unknown_path)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(from_fn_with_state(app.clone(), access::enter));
    let public = Router::new()
        .route("/openapi.json", get(openapi::document))
        .route("/schema/{file}", get(schema::show))
        .merge(docs::router())
        .method_not_allowed_fallback(method_not_allowed);
    let routes = Router::new()
        .nest("/admin", public.merge(guarded))
        .merge(registration::router(&app))
        .merge(older::router(&app))
        .layer(from_fn_with_state(app.clone(), trail::record))
        .with_state(app);
    aliases::router(&routes).merge(routes)
}

/// One collection. The handlers are the same for all, the kind tells them which one they serve.
fn collection(kind: Kind) -> Router<Arc<App>> {
    let own = if kind == Kind::TOOL {
        of_tools()
    } else if kind == Kind::INSTANCE {
        of_instances()
    } else if kind == Kind::UPSTREAM {
        of_upstreams()
    } else if kind == Kind::API_KEY {
        of_keys()
    } else {
        Router::new()
    };
    own.route("/", get(collection::list).layer(from_fn(conditional::list)))
        .route("/{id}", get(item::show).put(put::store).delete(delete::remove))
        .route(
            "/{id}/history",
            get(history::list).layer(from_fn(conditional::list)),
        )
        .route("/{id}/history/{revision}", get(history::revision::show))
        .route("/{id}/history/{revision}/diff", get(history::diff::show))
        .route("/{id}/rollback", post(rollback::bring_back))
        .layer(Extension(kind))
}

/// What only tools have.
fn of_tools() -> Router<Arc<App>> {
    Router::new()
        .route("/{id}/explain", post(explain::run))
        .route_layer(from_fn(parameters::none))
        .route("/{id}/verify", post(verify::run))
}

/// What only instances have.
fn of_instances() -> Router<Arc<App>> {
    Router::new().route("/{id}/clients", get(clients::show))
}

/// What only upstreams have.
fn of_upstreams() -> Router<Arc<App>> {
    Router::new()
        .route("/{id}/status", get(upstreams::status))
        .route("/{id}/check", post(upstreams::check))
        .route("/{id}/refresh", post(upstreams::refresh))
        .route("/{id}/restart", post(upstreams::restart))
        .route(
            "/{id}/login",
            get(upstream_login::show)
                .post(upstream_login::begin)
                .delete(upstream_login::forget),
        )
        .route("/{id}/inventory", get(upstreams::inventory))
        .route("/{id}/logs", get(upstreams::logs))
        .route("/{id}/explain", post(explain::remote))
        .route("/{id}/drift", get(pin::drift))
        .route("/{id}/approve", post(pin::approve))
        .route_layer(from_fn(parameters::none))
        .route("/{id}/verify", post(verify::remote))
}

/// What only keys have.
fn of_keys() -> Router<Arc<App>> {
    Router::new()
        .route("/", post(keys::create))
        .route("/{id}/rotate", post(keys::rotate))
        .route("/{id}/activate", post(keys::activate))
        .route("/{id}/usage", get(keys::usage))
        .route_layer(from_fn(parameters::none))
        .route("/{id}/inactivate", post(keys::inactivate))
}

async fn unknown_path(OriginalUri(uri): OriginalUri) -> Error {
    let path = uri.path();
    Error::not_found(format!("there is no `{path}`; /admin/docs lists what there is"))
}
