//! The row of instances among the kinds.

use super::InstanceDefinition;
use crate::{
    definition::{Read, schema},
    key::KindRow,
};
use std::sync::Arc;

impl InstanceDefinition {
    /// Instances as a kind.
    pub const KIND: KindRow = KindRow {
        name: "IDS",
        segment: "ids",
        noun: "instance",
        plural: "instances",
        about: "Instances (Instance Discovery Service): one is one virtual MCP server",
        order: 200,
        telling: &["tool_ids", "include"],
        members: &[
            "id",
            "name",
            "description",
            "enabled",
            "managed_by",
            "auth",
            "access",
            "limits",
            "metadata",
            "vars",
            "null_as_absent",
            "tool_ids",
            "include",
            "exclude",
        ],
        inner: &[
            ("access", &["roles", "scopes", "when"]),
            ("limits", &["rate", "burst", "concurrent", "per_day"]),
        ],
        private: &[],
        schema: |unknown| {
            let made = schema::of::<Self>("urn:dynmcp:schema:ids", "DynMCP instance (IDS)");
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
