//! What the configuration means for the crates below, which do not know it.

use crate::settings::Settings;
use mcp_common::secret::ExposeSecret;
use mcp_core::{engine::EngineSettings, protocol::ProtocolSettings, tool::ToolCompiler, view::ViewSettings};
use sha2::{Digest, Sha256};
use std::time::Duration;

pub(super) fn compiler(_settings: &Settings) -> ToolCompiler {
    ToolCompiler::default()
}

/// For all workers: clones share the certificate authorities, which are read once.
pub(crate) fn engine_settings(settings: &Settings) -> EngineSettings {
    let upstream = &settings.upstream;
    EngineSettings {
        default_timeout: Duration::from_millis(upstream.timeout_ms),
        connect_timeout: Duration::from_millis(upstream.connect_timeout_ms),
        max_request_bytes: upstream.max_request_bytes.0,
        max_response_bytes: upstream.max_response_bytes.0,
        ..EngineSettings::default()
    }
}

pub(super) fn protocol_settings(settings: &Settings) -> ProtocolSettings {
    let mcp = &settings.mcp;
    ProtocolSettings {
        view: ViewSettings { page_size: mcp.page_size, list_ttl_ms: mcp.list_ttl_ms },
        session_secret: session_secret(settings),
        session_lifetime: Duration::from_secs(mcp.session_idle_seconds),
        max_streams: mcp.max_streams,
    }
}

/// Of any length in the configuration, of 32 bytes below. Without one: random.
fn session_secret(settings: &Settings) -> [u8; 32] {
    if let Some(secret) = &settings.mcp.session_secret {
        return Sha256::digest(secret.expose_secret().as_bytes()).into();
    }
    let mut random = [0; 32];
    if getrandom::fill(&mut random).is_err() {
        // No randomness from the system: nobody can guess when this process started to the nanosecond and where it
        // lies in memory, but say so.
        tracing::warn!("the system gives no random numbers; set mcp.session_secret");
    }
    random
}
