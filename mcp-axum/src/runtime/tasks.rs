//! The names of the gateway's own background tasks, as they stand in `/admin/status`, logs and metrics.

/// Follows the data source.
pub(crate) const SYNC: &str = "sync";
/// Opens a data source that is not open yet.
pub(crate) const OPEN_SOURCE: &str = "open_source";
/// Follows the configuration's file.
pub(crate) const CONFIG: &str = "config";
/// Tells open streams that a list changed.
pub(crate) const ANNOUNCE: &str = "announce";
/// Keeps the copy of the definitions on disk.
pub(crate) const SNAPSHOT: &str = "snapshot";
/// Keeps on disk when keys were used.
pub(crate) const KEY_USAGE: &str = "key_usage";
/// Shows that the control plane comes back to its loop.
pub(crate) const CONTROL_BEAT: &str = "control_beat";
/// Writes the audit log.
pub(crate) const AUDIT: &str = "audit";
/// Sends records of the audit log elsewhere, one for each place.
pub(crate) const AUDIT_SINK: &str = "audit_sink";
/// Sends spans and metrics.
pub(crate) const OTLP: &str = "otlp";
/// Stores the servers of an aggregator's file.
pub(crate) const AGGREGATED: &str = "aggregated";
/// Tells webhooks of events.
pub(crate) const WEBHOOKS: &str = "webhooks";
/// Says elsewhere that this gateway is there.
pub(crate) const REGISTER: &str = "register";
/// Looks whether the gateway is healthy, to tell of it.
pub(crate) const HEALTH: &str = "health";
/// Speaks to those who count for all replicas.
pub(crate) const SHARED_LIMITS: &str = "shared_limits";
/// Looks whether the files of TLS changed.
pub(crate) const TLS_FILES: &str = "tls_files";
/// Takes connections.
pub(crate) const ACCEPT: &str = "accept";
/// Serves connections. The watchdog starts another one in the place of one that failed.
pub(crate) const WORKER: &str = "worker";
/// Looks whether workers come back to their loops.
pub(crate) const WATCHDOG: &str = "watchdog";
/// Asks endpoints of HTTP services how they are; those of MCP servers have tasks of the same name.
pub(crate) const ENDPOINT_PROBES: &str = mcp_core::upstream::PROBES;
/// Looks for upstreams, one for each `[[discovery]]`.
pub(crate) const DISCOVERY: &str = "discovery";
/// The API that the demo's tools call.
pub(crate) const SAMPLE_API: &str = "sample_api";
