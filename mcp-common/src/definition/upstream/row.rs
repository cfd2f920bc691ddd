//! The row of upstreams among the kinds.

use super::UpstreamDefinition;
use crate::{
    definition::{Read, schema},
    key::KindRow,
};
use std::sync::Arc;

impl UpstreamDefinition {
    /// Upstreams as a kind.
    pub const KIND: KindRow = KindRow {
        name: "UDS",
        segment: "uds",
        noun: "upstream",
        plural: "upstreams",
        about: "Upstreams (Upstream Discovery Service): MCP servers whose tools instances can show, and HTTP services that tools are called at",
        order: 90,
        telling: &["url", "command", "endpoints"],
        members: &[
            "id",
            "name",
            "description",
            "tags",
            "capabilities",
            "metadata",
            "enabled",
            "auto_connect",
            "priority",
            "managed_by",
            "protocol",
            "transport",
            "url",
            "endpoints",
            "balance",
            "breaker",
            "failover",
            "health",
            "headers",
            "auth",
            "tls",
            "proxy",
            "egress",
            "command",
            "args",
            "env",
            "cwd",
            "era",
            "timeouts",
            "limits",
            "tools",
            "resources",
            "prompts",
            "pin",
        ],
        inner: &[
            (
                "timeouts",
                &["connect_ms", "handshake_ms", "list_ms", "call_total_ms"],
            ),
            (
                "limits",
                &[
                    "rate",
                    "burst",
                    "concurrent",
                    "per_day",
                    "concurrency",
                    "endpoint_concurrency",
                    "queue",
                    "queue_ms",
                    "max_response_bytes",
                    "max_result_bytes",
                    "tools",
                ],
            ),
            ("endpoints", &["url", "weight", "priority", "region", "enabled"]),
            (
                "balance",
                &["algorithm", "sticky", "hash_on", "virtual_nodes", "prefer_region"],
            ),
            ("breaker", &["failures", "window_seconds", "cool_down_seconds"]),
            ("failover", &["attempts", "attempt_ms"]),
            (
                "health",
                &[
                    "enabled",
                    "interval_seconds",
                    "timeout_seconds",
                    "healthy_threshold",
                    "unhealthy_threshold",
                    "path",
                    "probe",
                    "settings",
                    "panic_percent",
                    "slow_start_seconds",
                ],
            ),
            ("tools", &["include", "exclude", "prefix", "group", "overrides"]),
            ("pin", &["mode", "tools"]),
        ],
        private: &[],
        schema: |unknown| {
            let made = schema::of::<Self>("urn:dynmcp:schema:uds", "DynMCP upstream (UDS)");
            schema::finished(made, unknown)
        },
        read: |id, document| {
            let Read { definition, warnings } = Self::read(id, document)?;
            Ok(Read {
                definition: Arc::new(definition),
                warnings,
            })
        },
    };
}
