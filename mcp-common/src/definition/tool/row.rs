//! The row of tool definitions among the kinds.

use super::ToolDefinition;
use crate::{
    definition::{Read, UnknownMembers, schema},
    key::KindRow,
};
use serde_json::Value;
use std::sync::Arc;

impl ToolDefinition {
    /// Tool definitions as a kind.
    pub const KIND: KindRow = KindRow {
        name: "TDS",
        segment: "tds",
        noun: "tool",
        plural: "tools",
        about: "Tool definitions (Tool Discovery Service)",
        order: 100,
        telling: &["tds_ext_info", "static"],
        members: &[
            "id",
            "name",
            "title",
            "description",
            "enabled",
            "deprecated",
            "tags",
            "access",
            "limits",
            "managed_by",
            "annotations",
            "icons",
            "_meta",
            "input_schema",
            "output_schema",
            "tds_ext_info",
            "static",
            "examples",
            "source",
        ],
        inner: &[
            ("access", &["roles", "scopes", "when"]),
            ("limits", &["rate", "burst", "concurrent", "per_day"]),
            (
                "tds_ext_info",
                &[
                    "domain",
                    "base_url",
                    "method",
                    "path",
                    "required_params",
                    "params",
                    "headers",
                    "query",
                    "body",
                    "auth",
                    "timeout_ms",
                    "connect_timeout_ms",
                    "tls",
                    "proxy",
                    "egress",
                    "retry",
                    "redirect",
                    "limits",
                    "response",
                    "cache",
                    "pagination",
                ],
            ),
        ],
        private: &[],
        schema: tool_schema,
        read: |id, document| {
            let Read { definition, warnings } = Self::read(id, document)?;
            Ok(Read {
                definition: Arc::new(definition),
                warnings,
            })
        },
    };
}

fn tool_schema(unknown: UnknownMembers) -> Value {
    let mut made = schema::of::<ToolDefinition>("urn:dynmcp:schema:tds", "DynMCP tool definition (TDS)");
    schema::describe_arguments(&mut made);
    schema::finished(made, unknown)
}
