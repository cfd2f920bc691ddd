//! What of a gateway depends on the configuration and can be replaced while it runs.

use super::{AdminKey, AdminKeyError, BuildError, admin_key, external, parts};
use crate::{
    app::{App, Current, Guard, GuardError, Terms},
    http::mcp::Readmission,
    settings::{Settings, SettingsError},
};
use mcp_common::{catalog::Catalog, plugin::Surroundings, tasks::Tasks};
use mcp_core::{
    engine::{Engine, EngineSettings},
    tool::ToolCompiler,
};
use mcp_plugin::authenticator::stored_keys::ShortTokens;
use std::{future::pending, sync::Arc};
use tokio::sync::watch;

/// Why another configuration does not come into effect.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TermsError {
    /// With what stays as it is until a restart it would be a wrong one.
    #[error("{0}; some of it is as it was at the start until the gateway is restarted")]
    Settings(SettingsError),
    /// A start would make a key and print it, which nobody would read now.
    #[error(
        "app.api_key: without it a start makes an admin key and prints it; restart the gateway, or leave a key there"
    )]
    NewAdminKey,
    /// Something of it cannot be had.
    #[error(transparent)]
    Build(#[from] BuildError),
}

impl From<GuardError> for TermsError {
    fn from(error: GuardError) -> Self {
        Self::Build(error.into())
    }
}

impl From<AdminKeyError> for TermsError {
    fn from(error: AdminKeyError) -> Self {
        Self::Build(error.into())
    }
}

/// Who comes in, by the keys of the store and what the configuration has.
pub(super) async fn guard(
    settings: &Settings,
    key: &AdminKey,
    catalog: &Arc<Catalog<ToolCompiler>>,
    tasks: &Tasks,
    (tokens, before): (Option<ShortTokens>, Option<&Guard>),
) -> Result<Guard, GuardError> {
    let surroundings = Surroundings {
        ring: catalog.clone(),
        http: Arc::new(crate::client::Documents::default()),
        tasks: tasks.clone(),
    };
    let names = &settings.app.authenticators;
    let guard = Guard::build(names, &key.tables(settings), &surroundings, before).await?;
    Ok(guard.with_keys(catalog.clone(), tokens))
}

/// Puts what of this configuration can be in effect without a restart into effect, as one. The keys that are other ones from now on, and
/// those that wait for a restart; on an error nothing has changed. Call it on the control plane, by one at a time.
pub(crate) async fn adopt(
    current: &Current,
    wanted: &Settings,
) -> Result<(Vec<String>, Vec<String>), TermsError> {
    let app = current.now();
    let mut settings = (*app.settings).clone();
    settings.take_live(wanted);
    if let Some(problem) = settings.problems().into_iter().next() {
        return Err(TermsError::Settings(problem));
    }
    let waiting = settings.differences(wanted);
    let changed = app.settings.differences(&settings);
    if changed.is_empty() {
        return Ok((changed, waiting));
    }
    let key = AdminKey::find(&settings)?;
    if matches!(key, AdminKey::New { .. }) {
        return Err(TermsError::NewAdminKey);
    }
    let is_about_keys = |name: &String| name == "app.api_key" || name == "app.authenticators";
    if changed.iter().any(is_about_keys)
        && let Some(warning) = admin_key::warning(&settings)
    {
        tracing::warn!(target: "dynmcp", "{warning}");
    }
    let before = (app.guard.tokens(), Some(&app.guard));
    let guard = guard(&settings, &key, &app.catalog, &app.tasks, before).await?;
    let external = match external::is_about(&changed) {
        false => app.external.clone(),
        true => external::open(&settings, &app.metrics.external)?,
    };
    let is_about_upstreams = |key: &String| key.starts_with("upstream.") || key.starts_with("egress.");
    let engine = match changed.iter().any(is_about_upstreams) {
        false => app.engine.clone(),
        true => Arc::new(EngineSettings {
            // Its name is known to others.
            via: app.engine.via.clone(),
            ..parts::engine_settings(&settings)
        }),
    };
    let is_about_discovery = |key: &String| key == "discovery" || key == "agents.known";
    if changed.iter().any(is_about_discovery) {
        // The last of what can fail.
        let adopted = app.discoveries.adopt(&settings, &app.tasks);
        adopted.map_err(BuildError::Discovery)?;
    }
    let is_about_hub = !Arc::ptr_eq(&engine, &app.engine) || changed.iter().any(|key| key == "stdio.allow");
    let next = app.under(Terms {
        settings: Arc::new(settings),
        guard,
        external,
        engine,
    });
    let lets_in_others = !app.lets_in_like(&next);
    // All of it is made. What is shared by both comes first, so that nobody who follows the configuration finds it as it was before.
    if is_about_hub {
        let allowed = next.settings.stdio.allow.to_vec();
        let engine = &next.engine;
        next.hub
            .adopt(engine.egress.clone(), allowed, engine.max_result_bytes);
    }
    next.tell_where_it_is();
    next.told.tell_every(next.settings.events.tool_executed);
    next.limits.limit_gateway(next.settings.limits.of_calls());
    let now = current.replace(next);
    if lets_in_others && let Some(doorman) = Readmission::at(&now) {
        now.gateway.guard_changed(doorman);
    }
    Ok((changed, waiting))
}

/// Probes endpoints of HTTP services, by the settings that are in effect.
pub(super) async fn probe_services(mut configured: watch::Receiver<Arc<App>>) {
    loop {
        let app = configured.borrow_and_update().clone();
        let (engine, services) = (app.engine.clone(), app.services.clone());
        drop(app);
        let probing = Engine::new((*engine).clone(), services);
        let replaced = async {
            loop {
                if configured.changed().await.is_err() {
                    return pending().await;
                }
                if !Arc::ptr_eq(&configured.borrow_and_update().engine, &engine) {
                    return;
                }
            }
        };
        tokio::select! {
            () = probing.probe_services() => return,
            () = replaced => {}
        }
    }
}
