//! What every route sees: the shared state of one gateway and the router put together from it.

mod current;
mod guard;
mod readiness;

use crate::{
    audit::Audit,
    discovery::Discoveries,
    events::EventGate,
    http::{
        admin,
        browser::{self, Browsers},
        connect, console,
        error::Error,
        front, health, login, manners, mcp, no_oauth,
        resource::{self, Resources},
        sign_in::{self, SignIns},
        token,
    },
    reload::ConfigStatus,
    runtime::{data_plane::Peers, tls::Tls, watchdog::Vitals},
    settings::Settings,
    telemetry::{metrics::Metrics, otlp::Otlp},
};
use axum::{
    Router,
    extract::{OriginalUri, Request, State},
    middleware::{self, Next},
    response::{IntoResponse, Response},
};
pub use current::Current;
pub use guard::{Guard, GuardError};
use http::{HeaderName, HeaderValue};
use mcp_common::{
    catalog::{Catalog, sync::SyncStatus},
    datasource::DataSource,
    events::Events,
    tasks::Tasks,
};
use mcp_core::{
    engine::{Engine, EngineServices, EngineSettings},
    policy::{CountedCalls, External, KeyUsage, SharedLimits},
    protocol::{Endpoint, Gateway},
    tool::ToolCompiler,
    upstream::Hub,
};
pub use readiness::{Phase, Readiness};
use std::{
    net::SocketAddr,
    sync::{Arc, OnceLock, Weak},
    time::SystemTime,
};
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

/// One gateway under one configuration: shared by all workers, never changed. Another configuration makes another one, which shares
/// everything that lives with the one before ([`Current`]); a request uses one of them to its end.
pub struct App {
    /// The effective configuration.
    pub settings: Arc<Settings>,
    /// How its file is doing.
    pub config: Arc<ConfigStatus>,
    /// Where the one is that is in effect now.
    pub(crate) current: OnceLock<Weak<Current>>,
    /// The store of definitions.
    pub source: Arc<dyn DataSource>,
    /// The compiled copy of all definitions in memory.
    pub catalog: Arc<Catalog<ToolCompiler>>,
    /// How the copy is doing.
    pub sync: Arc<SyncStatus>,
    /// The MCP protocol over that catalog.
    pub gateway: Arc<Gateway>,
    /// How upstreams are called.
    pub engine: Arc<EngineSettings>,
    /// What calls need for that, and share: tokens, secrets, the lane.
    pub services: EngineServices,
    /// What happens, for whoever wants to hear of it.
    pub events: Events,
    /// What is told of requests.
    pub(crate) told: Arc<EventGate>,
    /// The connections to other MCP servers.
    pub hub: Arc<Hub>,
    /// Where upstreams are found, and what is.
    pub(crate) discoveries: Arc<Discoveries>,
    /// The address where clients come to, once there is one.
    pub(crate) listens_at: Arc<OnceLock<SocketAddr>>,
    /// Who is signed in at a browser.
    pub(crate) browsers: Arc<Browsers>,
    /// Who is about to.
    pub(crate) sign_ins: Arc<SignIns>,
    /// Who may come in.
    pub guard: Guard,
    /// Who is asked about calls, where anybody is.
    pub(crate) external: Option<Arc<External>>,
    /// Who is told of spans and metrics, where anybody is.
    pub(crate) otlp: Option<Arc<Otlp>>,
    /// The names by which tokens call what there is.
    pub(crate) resources: Option<Resources>,
    /// The times when keys of the store were used.
    pub key_usage: Arc<KeyUsage>,
    /// What is counted of calls that are limited.
    pub(crate) limits: Arc<CountedCalls>,
    /// What all replicas count together, where they do.
    pub(crate) shared_limits: Option<Arc<SharedLimits>>,
    /// The record of who did what, where one is kept.
    pub audit: Option<Arc<Audit>>,
    /// What admin requests share.
    pub admin: admin::Admin,
    /// What connections are opened with, where that is TLS.
    pub(crate) tls: Option<Arc<Tls>>,
    /// Counters and gauges, and the registry that shows them.
    pub metrics: Arc<Metrics>,
    /// Whether the threads that serve come back to their loops.
    pub vitals: Arc<Vitals>,
    /// What runs in the background.
    pub tasks: Tasks,
    /// Clients whose messages come by requests of their own.
    pub(crate) channels: Arc<mcp::Channels>,
    /// Who is connected, and what they have of the gateway's memory.
    pub(crate) peers: Arc<Peers>,
    /// Whether requests should come here.
    pub readiness: Readiness,
    /// Cancelled when the gateway starts to drain: streams end, nothing new begins.
    pub draining: CancellationToken,
    /// The runtime for everything that is not the data plane.
    pub control: Handle,
    /// The time when the process became this gateway.
    pub started_at: SystemTime,
}

/// An extension of answers whose body is there once for everybody who asks: it takes no memory of its own.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SharedBody;

/// What another configuration replaces.
pub(crate) struct Terms {
    pub(crate) settings: Arc<Settings>,
    pub(crate) guard: Guard,
    pub(crate) external: Option<Arc<External>>,
    pub(crate) engine: Arc<EngineSettings>,
}

impl App {
    /// The same gateway under another configuration.
    pub(crate) fn under(&self, terms: Terms) -> Self {
        let Terms {
            settings,
            guard,
            external,
            engine,
        } = terms;
        let own = Engine::new((*engine).clone(), self.services.clone());
        Self {
            config: self.config.clone(),
            current: self.current.clone(),
            source: self.source.clone(),
            catalog: self.catalog.clone(),
            sync: self.sync.clone(),
            gateway: self.gateway.clone(),
            services: self.services.clone(),
            events: self.events.clone(),
            told: self.told.clone(),
            hub: self.hub.clone(),
            listens_at: self.listens_at.clone(),
            browsers: self.browsers.clone(),
            sign_ins: self.sign_ins.clone(),
            discoveries: self.discoveries.clone(),
            resources: Resources::of_gateway(&settings.app, &guard),
            key_usage: self.key_usage.clone(),
            limits: self.limits.clone(),
            shared_limits: self.shared_limits.clone(),
            audit: self.audit.clone(),
            admin: self.admin.under(own, &settings.app),
            metrics: self.metrics.clone(),
            otlp: self.otlp.clone(),
            tls: self.tls.clone(),
            vitals: self.vitals.clone(),
            tasks: self.tasks.clone(),
            channels: self.channels.clone(),
            peers: self.peers.clone(),
            readiness: self.readiness.clone(),
            draining: self.draining.clone(),
            control: self.control.clone(),
            started_at: self.started_at,
            settings,
            guard,
            external,
            engine,
        }
    }

    /// By which URL browsers reach it: as its configuration says, or, while it is bound to its own machine, where it listens.
    pub(crate) fn tell_where_it_is(&self) {
        let app = &self.settings.app;
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        let listens = self.listens_at.get().filter(|_| app.bound_to_loopback());
        let own = listens.map(|address| format!("{scheme}://{address}"));
        self.hub.reached_at(app.public_url.as_deref().or(own.as_deref()));
    }

    /// Who is asked about calls, where anybody is.
    pub(crate) fn external(&self) -> Option<&External> {
        self.external.as_deref()
    }

    /// The same gateway under the configuration that is in effect now, for what goes on for long.
    pub fn latest(self: &Arc<Self>) -> Arc<Self> {
        self.current()
            .map_or_else(|| self.clone(), |current| current.now())
    }

    /// Where the one is that is in effect; `None` once the gateway has ended.
    pub fn current(&self) -> Option<Arc<Current>> {
        self.current.get()?.upgrade()
    }

    /// Whether the other one lets in the same callers as the same.
    pub(crate) fn lets_in_like(&self, other: &Self) -> bool {
        let (own, others) = (&self.settings.app, &other.settings.app);
        self.guard.is_like(&other.guard)
            && self.resources == other.resources
            && own.allowed_hosts == others.allowed_hosts
            && own.allowed_origins == others.allowed_origins
    }

    /// Bytes of bodies and answers in flight.
    pub fn memory_in_flight(&self) -> u64 {
        self.peers.budget().used()
    }

    /// Loading, ready or draining; cheap enough for every request.
    pub fn phase(&self) -> Phase {
        self.readiness.phase()
    }
}

/// All routes of one data-plane worker. `endpoint` is the worker's own, so that its upstream connections live on the
/// worker's runtime. Those of operators are elsewhere where they have a listener of their own.
pub fn router(app: Arc<App>, endpoint: Endpoint) -> Router {
    let of_clients = with_revision(&app, mcp::router(app.clone(), endpoint))
        .merge(resource::router(app.clone()))
        .merge(connect::router(app.clone()))
        .merge(sign_in::router(app.clone()))
        .merge(token::router(app.clone()));
    let routes = match app.settings.app.admin_listen {
        None => operator_router(app).merge(of_clients),
        // Browsers come back by the URL of clients.
        Some(_) => of_clients.merge(login::router(app.clone())),
    };
    routes
        .fallback(nothing_here)
        .method_not_allowed_fallback(manners::method_not_allowed)
}

/// Whoever looks around learns where to go.
async fn nothing_here(OriginalUri(uri): OriginalUri) -> Response {
    let path = uri.path();
    if no_oauth::is_looked_for(path) {
        return no_oauth::refusal();
    }
    let error = Error::not_found(format!(
        "there is nothing at `{path}`; this is a DynMCP gateway: MCP clients use /mcp/INSTANCE, and \
         /admin/docs describes the admin API"
    ));
    error.into_response()
}

/// The routes of operators: probes, metrics, the admin API.
pub fn operator_router(app: Arc<App>) -> Router {
    // A slow store or a big compile must not hold up the tool calls that share the worker.
    let on_control = middleware::from_fn_with_state(app.control.clone(), run_on);
    Router::new()
        .merge(admin::router(app.clone()).layer(on_control.clone()))
        .merge(health::metrics_router(app.clone()).layer(on_control))
        // On the worker itself: these answer also when the control plane is stuck.
        .merge(health::router(app.clone()))
        .merge(login::router(app.clone()))
        .merge(console::router())
        .merge(front::router())
        .method_not_allowed_fallback(manners::method_not_allowed)
        .fallback(nothing_here)
        .layer(middleware::from_fn_with_state(app, browser::show_what_was_shown))
        .layer(middleware::from_fn(manners::of_operators))
}

/// Adds the header of `app.config_revision_header`, if there is one; costs nothing otherwise.
fn with_revision(app: &Arc<App>, routes: Router) -> Router {
    let Some(name) = &app.settings.app.config_revision_header else {
        return routes;
    };
    // Checked when the settings were read.
    let Ok(name) = name.parse::<HeaderName>() else {
        return routes;
    };
    routes.layer(middleware::from_fn_with_state((app.clone(), name), tell_revision))
}

/// What the catalog held when the request came: the answer is at least as new.
async fn tell_revision(
    State((app, name)): State<(Arc<App>, HeaderName)>,
    request: Request,
    next: Next,
) -> Response {
    let revision = app.catalog.snapshot().revision;
    let mut response = next.run(request).await;
    response.headers_mut().insert(name, HeaderValue::from(revision));
    response
}

/// Runs the rest of the request on `runtime`; the worker only passes bytes.
async fn run_on(State(runtime): State<Handle>, request: Request, next: Next) -> Response {
    match runtime.spawn(next.run(request)).await {
        Ok(response) => response,
        Err(panicked_or_cancelled) => Error::internal(panicked_or_cancelled.to_string()).into_response(),
    }
}
