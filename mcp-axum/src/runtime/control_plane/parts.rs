//! What the configuration means for the crates below, which do not know it.

use super::vault;
use crate::{
    runtime::{data_plane::Peers, memory},
    settings::{AutoSwitch, Settings, UpstreamSettings},
};
use mcp_common::{bounds::Bounds, events::Events, secret::ExposeSecret, tasks::Tasks};
use mcp_core::{
    egress::{EgressRule, EgressSettings, ProxyAddress},
    engine::{Engine, EngineServices, EngineSettings, Lane, LaneSettings},
    fleet::Probes,
    oauth::{Accounts, Seal},
    peer::Budget,
    protocol::{AbandonedSettings, ProtocolSettings},
    secrets::{SecretSettings, Secrets, Vault},
    tool::{Bases, RequestHeader, Shelf, ToolCompiler},
    upstream::{Hub, HubSettings},
    via::Via,
    view::ViewSettings,
};
use sha2::{Digest, Sha256};
use std::{path::PathBuf, sync::Arc, time::Duration};
use tokio::runtime::Handle;

/// For the gateway's catalog, and for commands that have one of their own.
pub(super) fn compiler(settings: &Settings, vault: Vault) -> ToolCompiler {
    ToolCompiler::default()
        .with_secrets(Secrets::new(secret_settings(settings)))
        .with_vault(vault)
        .with_proxies(proxies(settings))
        .with_request_headers(request_headers(settings))
        .with_bounds(bounds(settings))
        // Two of one name were found out when the settings were read.
        .with_probes(Probes::linked().unwrap_or_default())
        .with_shelf(Arc::new(Shelf::new(memory::compiled(
            settings.app.compiled_memory,
        ))))
}

pub(super) fn engine_settings(settings: &Settings) -> EngineSettings {
    let upstream = &settings.upstream;
    EngineSettings {
        default_timeout: Duration::from_millis(upstream.timeout_ms),
        connect_timeout: Duration::from_millis(upstream.connect_timeout_ms),
        max_request_bytes: upstream.max_request_bytes.0,
        max_response_bytes: upstream.max_response_bytes.0,
        max_result_bytes: upstream.max_result_bytes.0,
        bounds: bounds(settings),
        on_mismatch: upstream.on_output_mismatch,
        egress: egress_settings(settings),
        via: via(settings),
        ..EngineSettings::default()
    }
}

/// For all workers, which share them.
pub(super) fn engine_services(
    settings: &Settings,
    vault: &Vault,
    tasks: &Tasks,
    (events, probes): (&Events, &Probes),
) -> EngineServices {
    EngineServices {
        bases: Bases::telling(events.clone(), probes.clone()),
        secrets: Secrets::with_vault(secret_settings(settings), vault.clone()),
        lane: Lane::new(lane_settings(settings), tasks.clone()),
        ..EngineServices::default()
    }
}

/// Probes of endpoints beside those of MCP and HTTP, and what they may start.
pub(super) fn probes(settings: &Settings) -> Probes {
    // Two of one name were found out when the settings were read.
    let probes = Probes::linked().unwrap_or_default();
    probes.allow(settings.stdio.allow.to_vec());
    probes
}

/// What of the engine's holds for other MCP servers too: what one of them remembers, the other knows.
pub(super) fn hub_settings(
    settings: &Settings,
    engine: &EngineSettings,
    services: &EngineServices,
    (events, probes): (&Events, &Probes),
) -> HubSettings {
    HubSettings {
        events: events.clone(),
        probes: probes.clone(),
        egress: engine.egress.clone(),
        trust: services.trust.clone(),
        secrets: services.secrets.clone(),
        via: engine.via.clone(),
        max_result_bytes: engine.max_result_bytes,
        stdio_allow: settings.stdio.allow.to_vec(),
        most_programs: settings.stdio.max_programs,
        warden: warden(settings),
        kept_in: super::snapshot::folder(settings).map(|folder| folder.join("inventories")),
        accounts: accounts(settings),
        ..HubSettings::default()
    }
}

/// Logins to upstreams, sealed with what signs sessions: replicas that know each other's have the same.
fn accounts(settings: &Settings) -> Accounts {
    let kept = super::snapshot::folder(settings).map(|folder| {
        let seal = match &settings.mcp.session_secret {
            Some(secret) => Seal::of_secret(secret.expose_secret().as_bytes()),
            None => Seal::of_file(folder.join("logins.key")),
        };
        (folder.join("logins"), seal)
    });
    Accounts::kept_in(kept)
}

/// What ends programs if this process is killed.
fn warden(settings: &Settings) -> Vec<PathBuf> {
    #[cfg(unix)]
    let command = crate::cli::warden(settings.work.program.clone());
    #[cfg(not(unix))]
    let command = Vec::new();
    command
}

/// For all who read something from outside.
pub(crate) fn bounds(settings: &Settings) -> Arc<Bounds> {
    // Checked when the settings were read.
    Arc::new(settings.bounds.read().unwrap_or_default())
}

fn lane_settings(settings: &Settings) -> LaneSettings {
    let work = &settings.work;
    LaneSettings {
        threads: work.threads,
        waiting: work.waiting,
        arguments_bytes: work.arguments_bytes.as_usize(),
        answer_bytes: work.answer_bytes.as_usize(),
        time: Duration::from_millis(work.time_ms),
        #[cfg(unix)]
        sandbox: work
            .program
            .clone()
            .map(|path| crate::cli::sandbox_program(path, work.memory.0)),
        #[cfg(not(unix))]
        sandbox: None,
    }
}

/// Secrets as a command finds them.
pub(super) fn command_secrets(settings: &Settings) -> Secrets {
    Secrets::of_command(secret_settings(settings), vault::of_command(settings))
}

/// For a command that makes calls itself. Nothing comes back to it, so its name need not be its own.
pub(crate) fn command_engine(settings: &Settings) -> Engine {
    let mut engine = engine_settings(settings);
    let services = EngineServices {
        secrets: command_secrets(settings),
        ..engine_services(
            settings,
            &Vault::default(),
            &Tasks::default(),
            (&Events::default(), &Probes::default()),
        )
    };
    if settings.upstream.via == "auto" {
        engine.via = Via::named("cli", settings.upstream.max_gateways);
    }
    Engine::new(engine, services)
}

/// For a command that has no connections of its own: a hub with the gateway's settings and without upstreams.
pub(crate) fn command_hub(settings: &Settings) -> Arc<Hub> {
    let (engine, services) = (engine_settings(settings), EngineServices::default());
    let hub = HubSettings {
        kept_in: None,
        accounts: Accounts::default(),
        ..hub_settings(
            settings,
            &engine,
            &services,
            (&Events::default(), &Probes::default()),
        )
    };
    Hub::new(hub, Tasks::default(), Handle::current())
}

/// Without random numbers there is no name, and no loop is found.
fn via(settings: &Settings) -> Option<Via> {
    let UpstreamSettings {
        via, max_gateways, ..
    } = &settings.upstream;
    match via.as_str() {
        "off" => None,
        "auto" => Via::random(*max_gateways),
        name => Via::named(name, *max_gateways),
    }
}

fn secret_settings(settings: &Settings) -> SecretSettings {
    let mut allow_env = settings.secrets.allow_env.to_vec();
    allow_env.extend(settings.discovery.variables(&settings.agents));
    SecretSettings {
        allow_env,
        file_dirs: settings.secrets.file_dir.iter().map(PathBuf::from).collect(),
    }
}

fn egress_settings(settings: &Settings) -> EgressSettings {
    let egress = &settings.egress;
    // Checked when the settings were read.
    let rules = |texts: &[String]| {
        texts
            .iter()
            .filter_map(|text| text.parse::<EgressRule>().ok())
            .collect()
    };
    EgressSettings {
        allow_private: egress.allow_private,
        allow_loopback: match egress.allow_loopback {
            AutoSwitch::On => true,
            AutoSwitch::Off => false,
            AutoSwitch::Auto => settings.app.bound_to_loopback(),
        },
        allow: rules(&egress.allow),
        deny: rules(&egress.deny),
        proxies: proxies(settings),
    }
}

fn proxies(settings: &Settings) -> Vec<ProxyAddress> {
    // Checked when the settings were read.
    let texts = settings.egress.proxies.iter();
    texts.filter_map(|text| text.parse().ok()).collect()
}

pub(super) fn request_headers(settings: &Settings) -> Vec<RequestHeader> {
    // Checked when the settings were read.
    let names = settings.templates.request_headers.iter();
    names.filter_map(|name| name.parse().ok()).collect()
}

pub(super) fn peers(settings: &Settings) -> Peers {
    let app = &settings.app;
    // Checked when the settings were read.
    let proxies = app.front_proxies.iter().filter_map(|text| text.parse().ok());
    let budget = Budget::new(memory::budget(app.memory_budget));
    Peers::new(budget, proxies.collect(), app.connections_per_client())
}

/// `via` is the engine's, so that what one sends the other knows.
pub(super) fn protocol_settings(
    settings: &Settings,
    via: Option<Via>,
) -> Result<ProtocolSettings, getrandom::Error> {
    let mcp = &settings.mcp;
    Ok(ProtocolSettings {
        view: ViewSettings {
            page_size: mcp.page_size,
            list_ttl_ms: mcp.list_ttl_ms,
        },
        session_secret: session_secret(settings)?,
        session_lifetime: Duration::from_secs(mcp.session_seconds),
        session_idle: (mcp.session_idle_seconds > 0).then(|| Duration::from_secs(mcp.session_idle_seconds)),
        max_streams: mcp.max_streams,
        max_streams_per_client: mcp.streams_per_client(),
        abandoned: AbandonedSettings {
            most: mcp.max_abandoned,
            most_per_client: mcp.max_abandoned_per_client,
            patience: Duration::from_secs(mcp.abandoned_seconds),
        },
        via,
    })
}

/// Of any length in the configuration, of 32 bytes below. Without one: random.
fn session_secret(settings: &Settings) -> Result<[u8; 32], getrandom::Error> {
    if let Some(secret) = &settings.mcp.session_secret {
        return Ok(Sha256::digest(secret.expose_secret().as_bytes()).into());
    }
    let mut random = [0; 32];
    getrandom::fill(&mut random)?;
    Ok(random)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Layers;

    #[test]
    fn secrets_have_one_default() {
        let layers = Layers {
            directory: "does-not-exist".into(),
            ..Layers::default()
        };
        let settings = Settings::load(&layers).unwrap();
        assert_eq!(secret_settings(&settings), SecretSettings::default());
    }
}
