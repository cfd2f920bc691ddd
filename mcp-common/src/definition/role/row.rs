//! The row of roles among the kinds.

use super::RoleDefinition;
use crate::{
    definition::{Read, schema},
    key::KindRow,
};
use std::sync::Arc;

const OF_RULES: &[&str] = &["actions", "instances", "tools", "resources", "prompts", "when"];

const OF_LIMITS: &[&str] = &["rate", "burst", "concurrent", "per_day", "per_tool"];

impl RoleDefinition {
    /// Roles as a kind.
    pub const KIND: KindRow = KindRow {
        name: "RDS",
        segment: "roles",
        noun: "role",
        plural: "roles",
        about: "Roles (Role Discovery Service): what the holders of keys that name them may do, and what not",
        order: 200,
        telling: &["allow", "deny", "inherits"],
        members: &[
            "id",
            "description",
            "owner",
            "managed_by",
            "inherits",
            "allow",
            "deny",
            "limits",
        ],
        inner: &[("allow", OF_RULES), ("deny", OF_RULES), ("limits", OF_LIMITS)],
        private: &[],
        schema: |unknown| {
            let made = schema::of::<Self>("urn:dynmcp:schema:roles", "DynMCP role (RDS)");
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
