//! Puts a gateway together: data source → catalog → protocol, and the tasks that keep them going.

mod admin_key;
mod announce;
mod external;
mod key_usage;
mod keys;
mod late_source;
mod limits;
mod parts;
mod safe_mode;
mod snapshot;
mod terms;
mod unselected;
mod upstreams;
mod vault;

use super::{
    tasks::{
        AGGREGATED, ANNOUNCE, CONTROL_BEAT, ENDPOINT_PROBES, HEALTH, KEY_USAGE, REGISTER, SHARED_LIMITS,
        SNAPSHOT, SYNC, TLS_FILES, WEBHOOKS,
    },
    tls::{self, Tls, TlsError},
    watchdog::Vitals,
};
use crate::{
    aggregated,
    app::{App, Current, Guard, GuardError, Readiness},
    audit::{self, Audit, AuditError},
    discovery::{self, Discoveries},
    events::{self as told, EventGate},
    http::resource::Resources,
    register,
    reload::ConfigStatus,
    settings::Settings,
    telemetry::{
        metrics::Metrics,
        otlp::{Otlp, OtlpMetrics},
    },
};
pub(crate) use admin_key::AdminKey;
pub use admin_key::AdminKeyError;
pub(crate) use admin_key::{generate as generate_key, is_admins, opens_admin, warning as admin_key_warning};
pub(crate) use key_usage::kept as kept_key_usage;
use mcp_common::{
    catalog::{
        Catalog, sync,
        sync::{Stopgap, SyncStatus},
    },
    datasource::{DataSource, Load},
    events::Events,
    migration::{Migrate, Migration},
    plugin::{DataSourceFactory, PluginError, Registry, all_problems},
    safe_mode::SafeMode,
    tasks::{Ends, Tasks},
};
use mcp_core::{
    authoring::writer::Writer,
    engine::{Engine, EngineServices},
    policy::Policy,
    protocol::{Gateway, GatewayParts},
    tool::ToolCompiler,
    upstream::{Hub, Pages},
    view::UpstreamInventories,
};
use mcp_plugin::authenticator::stored_keys::ShortTokens;
pub(crate) use parts::{bounds, command_engine, command_hub};
use parts::{engine_services, engine_settings};
use std::{future::pending, sync::Arc, time::SystemTime};
pub(crate) use terms::{TermsError, adopt};
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;
pub use vault::VaultError;

/// Why a gateway could not be put together. Every text is one line for the operator.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The data source of `app.data_source`.
    #[error("app.data_source: {0}")]
    NoSuchSource(PluginError),
    /// The data source could not be opened.
    #[error("{0}")]
    Source(PluginError),
    /// The authenticators of `app.authenticators`.
    #[error(transparent)]
    Guard(#[from] GuardError),
    /// Sessions would have a secret that can be guessed.
    #[error("the system gives no random numbers: {0}; set mcp.session_secret")]
    NoRandomness(getrandom::Error),
    /// The file with the admin key's hash.
    #[error(transparent)]
    AdminKey(#[from] AdminKeyError),
    /// The audit log that is wanted cannot be had.
    #[error(transparent)]
    Audit(#[from] AuditError),
    /// The files of `app.tls`.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// Who is asked about calls.
    #[error("{}{error}", external_place(.0), error = .0)]
    External(PluginError),
    /// Where limits are counted.
    #[error("limits.redis.{key}: {reason}")]
    Limits {
        /// The key that is wrong.
        key: &'static str,
        /// Why.
        reason: String,
    },
    /// A `[[discovery]]`.
    #[error("{0}")]
    Discovery(PluginError),
    /// The keys of secrets.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// Several of these.
    #[error("{}", joined(.0))]
    Several(Vec<BuildError>),
}

/// A wrong setting names its own key.
fn external_place(error: &PluginError) -> &'static str {
    match error.names_a_setting() {
        true => "",
        false => "access.external.authorizer: ",
    }
}

fn joined(errors: &[BuildError]) -> String {
    errors
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join("; ")
}

/// A gateway, and the key that was made for it if this is its first start.
pub(crate) struct Built {
    pub(crate) app: Arc<App>,
    pub(crate) current: Arc<Current>,
    pub(crate) key: AdminKey,
}

/// Everything that can be known to be wrong before a connection is made or a file is written.
pub(crate) fn problems(settings: &Settings) -> Vec<BuildError> {
    let mut problems = Vec::new();
    match selected_source(settings) {
        Ok((factory, table)) => {
            let place = format!("data_source.{}", settings.app.data_source);
            let found = all_problems(&place, &table, |table| factory.check(table));
            problems.extend(found.into_iter().map(BuildError::Source));
        }
        Err(problem) => problems.push(problem),
    }
    let authenticators = Guard::problems(&settings.app.authenticators, &settings.authenticator);
    problems.extend(authenticators.into_iter().map(BuildError::Guard));
    problems.extend(external::problems(settings));
    problems.extend(unselected::problems(settings));
    let discoveries = discovery::problems(settings);
    problems.extend(discoveries.into_iter().map(BuildError::Discovery));
    problems.extend(vault::problem(settings).map(BuildError::Vault));
    problems.extend(admin_key::problem(settings).map(BuildError::AdminKey));
    problems.extend(audit::problem(settings).map(BuildError::Audit));
    problems.extend(Tls::open(&settings.app.tls).err().map(BuildError::Tls));
    problems.extend(tls::problem(&settings.app).map(BuildError::Tls));
    problems
}

/// The same, as a refusal.
pub(crate) fn check(settings: &Settings) -> Result<(), BuildError> {
    let mut problems = problems(settings);
    match problems.len() {
        0 => Ok(()),
        1 => Err(problems.remove(0)),
        _ => Err(BuildError::Several(problems)),
    }
}

/// Builds it on the control runtime that this runs on. Nothing is served yet.
pub(crate) async fn build(settings: Settings) -> Result<Built, BuildError> {
    let key = AdminKey::find(&settings)?;
    key.tell();
    if let Some(warning) = admin_key::warning(&settings) {
        tracing::warn!(target: "dynmcp", "{warning}");
    }
    let tls = Tls::open(&settings.app.tls)?;
    let vault = vault::of_gateway(&settings)?;
    // From here on files are made; what can be wrong without looking at them was found out before.
    let tasks = Tasks::default();
    let source = open_source(&settings, &tasks).await?;

    let events = Events::default();
    let counted = OtlpMetrics::default();
    let otlp = Otlp::open(&settings, &counted);
    let probes = parts::probes(&settings);
    let (engine, services) = (
        Arc::new(engine_settings(&settings)),
        EngineServices {
            spans: otlp.as_ref().and_then(|otlp| otlp.spans()),
            ..engine_services(&settings, &vault, &tasks, (&events, &probes))
        },
    );
    let catalog = Arc::new(Catalog::new(with_safe_mode(
        parts::compiler(&settings, vault.clone()).with_bases(services.bases.clone()),
        safe_mode::of_gateway(&settings),
    )));
    let protocol =
        parts::protocol_settings(&settings, engine.via.clone()).map_err(BuildError::NoRandomness)?;
    let tokens = ShortTokens::new(&protocol.session_secret);
    let guard = terms::guard(&settings, &key, &catalog, &tasks, (Some(tokens), None)).await?;
    let status = Arc::new(SyncStatus::default());
    let peers = Arc::new(parts::peers(&settings));
    let hub = parts::hub_settings(&settings, &engine, &services, (&events, &probes));
    let pages = Arc::new(Pages::new(&hub));
    let discoveries =
        Discoveries::build(&settings, &catalog, &source, pages).map_err(BuildError::Discovery)?;
    let hub = Hub::new(hub, tasks.clone(), Handle::current());
    let (metrics, core_metrics) = Metrics::build(
        &catalog,
        &status,
        services.lane.metrics(),
        peers.budget(),
        &tasks,
        (&hub, &services.bases, &discoveries.board),
        (&counted, settings.metrics.max_series),
    );
    let external = external::open(&settings, &metrics.external)?;
    let readiness = Readiness::default();
    let draining = CancellationToken::new();
    // Before anybody is told that definitions are there that name them.
    vault::follow(&catalog, &vault, &hub);
    announce::subscribe(&catalog, &readiness);
    keys::take_accounts_along(&catalog, &hub);
    upstreams::follow(&catalog, &hub, &services.bases, &discoveries.board);
    let shared_limits = limits::open(&settings, &metrics.shared_limits)?;
    let keys = keys::counted(&catalog, shared_limits.clone(), &metrics.limits);
    if let Some(place) = key_usage::Place::of(&settings) {
        place.recall(&keys.usage);
    }
    keys.limits.limit_gateway(settings.limits.of_calls());
    let own = Engine::new((*engine).clone(), services.clone());
    let audit = Audit::open(&settings, &metrics.audit)?;
    let mut gates = keys.gates(metrics.refusals.clone());
    let told = Arc::new(EventGate::new(events.clone(), settings.events.tool_executed));
    gates.push(told.clone());
    gates.extend(audit.as_ref().map(|audit| audit.gate()));
    let gateway = Gateway::new(GatewayParts {
        catalog: catalog.clone(),
        settings: protocol,
        inventories: Arc::new(UpstreamInventories {
            hub: hub.clone(),
            engine: own.clone(),
            compiler: catalog.compiler().clone(),
        }),
        policy: Policy::new(gates),
        metrics: core_metrics,
        shutdown: draining.clone(),
    });
    upstreams::announce(&catalog, &hub, &gateway, &discoveries.board);
    announce::tell(&catalog, &events);
    let writer = Arc::new(Writer::of_gateway(catalog.clone(), source.clone()));
    let admin = crate::http::admin::Admin::new(own, writer, &settings.app);
    let resources = Resources::of_gateway(&settings.app, &guard);
    let app = Arc::new(App {
        settings: Arc::new(settings),
        config: Arc::new(ConfigStatus::new(metrics.config.clone())),
        current: Default::default(),
        source,
        catalog,
        sync: status,
        gateway,
        events,
        told,
        hub,
        listens_at: Default::default(),
        browsers: Default::default(),
        sign_ins: Default::default(),
        discoveries: Arc::new(discoveries),
        guard,
        external,
        otlp,
        resources,
        key_usage: keys.usage,
        limits: keys.limits,
        shared_limits,
        audit,
        admin,
        engine,
        services,
        tls,
        metrics: Arc::new(metrics),
        vitals: Arc::new(Vitals::default()),
        channels: Default::default(),
        peers,
        tasks,
        readiness,
        draining,
        control: Handle::current(),
        started_at: SystemTime::now(),
    });
    let current = Current::new(app.clone());
    Ok(Built { app, current, key })
}

/// Starts what runs beside requests: the copy of the data source, and the news for open streams.
pub(crate) fn start_background(app: &Arc<App>, current: &Arc<Current>) {
    let watched = app.vitals.watch("the control plane".to_owned(), None);
    app.tasks.spawn(CONTROL_BEAT, Ends::WhenTold, move || {
        let beat = watched.vital.clone().beat(None);
        async { match beat.await {} }
    });
    if let Some(audit) = &app.audit {
        audit.start(&app.tasks, &current.subscribe());
    }
    if let Some(otlp) = &app.otlp {
        otlp.start(&app.tasks, &app.metrics);
    }
    if let Some(limits) = app.shared_limits.clone() {
        app.tasks
            .spawn(SHARED_LIMITS, Ends::WhenTold, move || limits.clone().run());
    }
    if let Some(tls) = app.tls.clone() {
        app.tasks
            .spawn(TLS_FILES, Ends::WhenTold, move || tls.clone().follow());
    }
    let gateway = app.gateway.clone();
    app.tasks.spawn(ANNOUNCE, Ends::WhenTold, move || {
        let gateway = gateway.clone();
        async move { gateway.announce_changes().await }
    });
    app.discoveries.start(&app.tasks);
    let (configured, metrics) = (current.subscribe(), app.metrics.webhooks.clone());
    let process = told::process_name();
    app.tasks.spawn(WEBHOOKS, Ends::ByItself, move || {
        told::tell_webhooks(configured.clone(), metrics.clone(), process.clone())
    });
    let (configured, metrics) = (current.subscribe(), app.metrics.register.clone());
    app.tasks.spawn(REGISTER, Ends::ByItself, move || {
        register::run(configured.clone(), metrics.clone())
    });
    if app.settings.aggregated.is_some() {
        let configured = current.subscribe();
        app.tasks.spawn(AGGREGATED, Ends::WhenTold, move || {
            aggregated::run(configured.clone())
        });
    }
    let watched = Arc::downgrade(app);
    app.tasks.spawn(HEALTH, Ends::WhenTold, move || {
        told::watch_health(watched.clone())
    });
    let configured = current.subscribe();
    app.tasks.spawn(ENDPOINT_PROBES, Ends::WhenTold, move || {
        terms::probe_services(configured.clone())
    });
    let snapshot = snapshot::Place::of(&app.settings);
    if let Some(place) = snapshot.clone() {
        let (catalog, status, draining) = (app.catalog.clone(), app.sync.clone(), app.draining.clone());
        app.tasks.spawn(SNAPSHOT, Ends::ByItself, move || {
            snapshot::keep(place.clone(), catalog.clone(), status.clone(), draining.clone())
        });
    }
    if let Some(place) = key_usage::Place::of(&app.settings) {
        let (usage, catalog, draining) = (app.key_usage.clone(), app.catalog.clone(), app.draining.clone());
        app.tasks.spawn(KEY_USAGE, Ends::ByItself, move || {
            key_usage::keep(place.clone(), usage.clone(), catalog.clone(), draining.clone())
        });
    }
    let (source, catalog, status) = (app.source.clone(), app.catalog.clone(), app.sync.clone());
    let serve = app.settings.app.start_from_snapshot;
    // It ends last: definitions stay up to date until the last call is answered.
    app.tasks.spawn(SYNC, Ends::WhenTold, move || {
        let stopgap = match snapshot.clone() {
            Some(place) if !status.has_loaded() => Stopgap {
                remembered: Box::pin(place.read()),
                serve,
            },
            _ => Stopgap::none(),
        };
        sync::run_with(
            source.clone(),
            catalog.clone(),
            status.clone(),
            stopgap,
            pending(),
        )
    });
}

/// The configured data source; also for commands that work on it without a gateway.
pub(crate) async fn open_source(
    settings: &Settings,
    tasks: &Tasks,
) -> Result<Arc<dyn DataSource>, BuildError> {
    let (factory, table) = selected_source(settings)?;
    late_source::open(factory, table, tasks)
        .await
        .map_err(BuildError::Source)
}

/// What stands against counting limits together with other replicas, found out by doing so; `None` where nothing does, or nobody wants it.
pub(crate) async fn shared_limits_problem(settings: &Settings) -> Option<String> {
    // What is wrong with the settings has been said.
    let limits = limits::open(settings, &Default::default()).ok()??;
    limits.problem().await
}

/// Whether the store of the configured data source is there; opening one that is not would make it.
pub(crate) fn source_exists(settings: &Settings) -> Result<bool, BuildError> {
    let (factory, table) = selected_source(settings)?;
    factory.exists(&table).map_err(BuildError::Source)
}

/// Brings what the configured data source keeps up to date, or says what that would mean; `None` where there is nothing
/// of the kind.
pub(crate) async fn migrate(settings: &Settings, migrate: Migrate) -> Result<Option<Migration>, BuildError> {
    let (factory, table) = selected_source(settings)?;
    factory.migrate(&table, migrate).await.map_err(BuildError::Source)
}

/// The plugin of `app.data_source` and its settings.
fn selected_source(
    settings: &Settings,
) -> Result<(Box<dyn DataSourceFactory>, serde_json::Value), BuildError> {
    let name = &settings.app.data_source;
    let registry = Registry::<dyn DataSourceFactory>::data_sources().map_err(BuildError::NoSuchSource)?;
    let factory = registry.get(name).map_err(BuildError::NoSuchSource)?;
    let table = settings.data_source.get(name).cloned();
    Ok((
        factory,
        table.unwrap_or_else(|| serde_json::Value::Object(Default::default())),
    ))
}

/// For commands that have a catalog of their own.
pub(crate) fn compiler(settings: &Settings) -> ToolCompiler {
    let secrets = parts::command_secrets(settings);
    let compiler = parts::compiler(settings, secrets.vault().clone()).with_secrets(secrets);
    with_safe_mode(compiler, safe_mode::of_command(settings))
}

fn with_safe_mode(compiler: ToolCompiler, safe_mode: Option<Arc<SafeMode>>) -> ToolCompiler {
    match safe_mode {
        Some(safe_mode) => compiler.with_safe_mode(safe_mode),
        None => compiler,
    }
}

/// Lets an engine call tools at the upstreams of this catalog, with its secrets, for commands that have both.
pub(crate) fn know_upstreams(catalog: &Catalog<ToolCompiler>, engine: &Engine) {
    engine.vault().define(vault::definitions(catalog).into_iter());
    engine.bases().define(upstreams::definitions(catalog).into_iter());
}

/// Everything that the data source holds, compiled; for commands that need no gateway for it.
pub(crate) fn catalog_of(settings: &Settings, load: Load) -> Catalog<ToolCompiler> {
    let catalog = Catalog::new(compiler(settings));
    catalog.replace(load);
    catalog
}

/// Everything that somebody keeps elsewhere, compiled; secrets of a store may be named that are not there.
pub(crate) fn catalog_without_store(settings: &Settings, load: Load) -> Catalog<ToolCompiler> {
    let catalog = Catalog::new(compiler(settings).without_store());
    catalog.replace(load);
    catalog
}

impl BuildError {
    /// Whether the configuration is to blame (exit code 2), not the circumstances.
    pub(crate) fn is_configuration(&self) -> bool {
        match self {
            Self::NoSuchSource(_) => true,
            Self::Source(error) => error.is_configuration(),
            Self::Guard(error) => error.is_configuration(),
            Self::Discovery(error) | Self::External(error) => error.is_configuration(),
            Self::Audit(error) => matches!(error, AuditError::Setting { .. }),
            Self::Tls(_) | Self::Vault(_) | Self::Limits { .. } => true,
            Self::AdminKey(_) | Self::NoRandomness(_) => false,
            Self::Several(errors) => errors.iter().any(Self::is_configuration),
        }
    }
}
