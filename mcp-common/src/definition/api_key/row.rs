//! The row of keys among the kinds.

use super::ApiKeyDefinition;
use crate::{
    definition::{Read, schema},
    key::KindRow,
};
use std::sync::Arc;

impl ApiKeyDefinition {
    /// Keys as a kind.
    pub const KIND: KindRow = KindRow {
        name: "KDS",
        segment: "keys",
        noun: "key",
        plural: "keys",
        about: "Keys (Key Discovery Service): who may come in, and which instances each key opens. Only hashes of secrets are stored",
        order: 210,
        telling: &["secrets"],
        members: &[
            "id",
            "name",
            "description",
            "owner",
            "managed_by",
            "status",
            "instances",
            "tools",
            "resources",
            "prompts",
            "roles",
            "claims",
            "limits",
            "expires_at",
            "secrets",
        ],
        inner: &[
            ("limits", &["rate", "burst", "concurrent", "per_day"]),
            ("secrets", &["sha256", "created_at", "expires_at"]),
        ],
        private: &[],
        schema: |unknown| {
            let made = schema::of::<Self>("urn:dynmcp:schema:keys", "DynMCP key (KDS)");
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
