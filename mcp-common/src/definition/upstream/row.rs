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
        about: "Upstreams (Upstream Discovery Service): MCP servers whose tools instances can show",
        order: 90,
        telling: &["url", "command"],
        members: &[
            "id",
            "name",
            "description",
            "enabled",
            "priority",
            "managed_by",
            "transport",
            "url",
            "headers",
            "auth",
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
                &["concurrency", "max_response_bytes", "max_result_bytes", "tools"],
            ),
            ("tools", &["include", "exclude", "prefix", "overrides"]),
            ("pin", &["mode", "tools"]),
        ],
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
