//! What the log says first.

use crate::runtime::server::Server;
use std::path::Path;

pub(super) fn log(server: &Server, file: Option<&Path>) {
    let app = server.app();
    let settings = &app.settings.app;
    let version = env!("CARGO_PKG_VERSION");
    let config = file.map_or_else(
        || "defaults and environment".to_owned(),
        |file| file.display().to_string(),
    );
    let address = server.address();
    tracing::info!(target: "dynmcp", "DynMCP {version}, configuration: {config}");
    let admin_address = server.admin_address();
    let scheme = if app.tls.is_some() { "https" } else { "http" };
    if admin_address == address {
        tracing::info!(
            target: "dynmcp",
            "listening on {scheme}://{address}  (clients: /mcp/{{instance}}, administrators: /admin)"
        );
    } else {
        tracing::info!(target: "dynmcp", "listening on {scheme}://{address}  (clients: /mcp/{{instance}})");
        tracing::info!(
            target: "dynmcp",
            "listening on {scheme}://{admin_address}  (administrators: /admin, probes: /healthz, /livez, /readyz, Prometheus: /metrics)"
        );
    }
    tracing::info!(
        target: "dynmcp",
        "data source: {}, authentication: {}, workers: {}",
        settings.data_source,
        settings.authenticators.join(", "),
        settings.worker_count()
    );
    if app.guard.is_open() {
        tracing::warn!(
            target: "dynmcp",
            "no authentication: everybody who reaches {address} may use all tools and /admin (app.authenticators)"
        );
    }
}
