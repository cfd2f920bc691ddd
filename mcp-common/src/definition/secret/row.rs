//! The row of secrets among the kinds.

use super::{PRIVATE, SecretDefinition};
use crate::{
    definition::{Read, schema},
    key::KindRow,
};
use std::sync::Arc;

impl SecretDefinition {
    /// Secrets as a kind.
    pub const KIND: KindRow = KindRow {
        name: "SDS",
        segment: "secrets",
        noun: "secret",
        plural: "secrets",
        about: "Secrets (Secret Discovery Service): values that definitions name as `${secret:name}`. They are written, stored encrypted, and never read back",
        order: 80,
        telling: &["usable_by"],
        members: &[
            "id",
            "description",
            "owner",
            "managed_by",
            "usable_by",
            "value",
            "sealed",
            "key_version",
            "created_at",
            "value_at",
        ],
        inner: &[("usable_by", &["tools", "upstreams", "owners"])],
        private: PRIVATE,
        schema: |unknown| {
            let made = schema::of::<Self>("urn:dynmcp:schema:secrets", "DynMCP secret (SDS)");
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
