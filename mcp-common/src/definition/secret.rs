//! A secret (SDS document): a value that definitions name as `${secret:name}` and that nobody reads. What is stored of it is ciphertext;
//! the key that opens it is the configuration's, so that whoever reads a store, an export or a backup has nothing.

mod check;
mod name;
mod row;
mod usable_by;
mod used;

pub use check::{LARGEST_VALUE, PRIVATE};
pub use name::is_secret_name;
pub use usable_by::{SecretUser, UsableBy};
pub use used::UsedSecret;

use super::{Read, decode::checked};
use crate::{
    definition::api_key::Timestamp,
    document::Document,
    problem::{Problem, Problems},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::sync::Arc;

/// A value that definitions refer to and that is never shown again. A member that the gateway does not know is an error, since what it
/// was meant to restrict would not be restricted.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(example = example())]
pub struct SecretDefinition {
    /// The name in `${secret:name}`. The id in the URL, or the key of the store, wins over the document's own.
    #[serde(default)]
    #[schemars(
        regex(pattern = "^[A-Za-z0-9._-]{1,64}$"),
        extend("patternErrorMessage" = "A name has 1 to 64 of A-Z a-z 0-9 . _ -")
    )]
    pub id: Arc<str>,
    /// What it is for, for people.
    pub description: Option<String>,
    /// Who answers for it, for people.
    #[schemars(example = &"team-billing")]
    pub owner: Option<String>,
    /// Which definitions may name it; none where nothing is said.
    #[serde(default)]
    pub usable_by: UsableBy,
    /// The secret itself, when it is written. It is never stored as it is and never shown; without it a write leaves the value that is there.
    #[serde(default, rename = "value")]
    #[schemars(with = "Option<String>", extend("writeOnly" = true))]
    _value: Option<Box<RawValue>>,
    /// The value as it is stored, encrypted. Written by the server, and not shown.
    #[serde(default)]
    #[schemars(extend("writeOnly" = true))]
    pub sealed: String,
    /// Which key of the configuration the value is encrypted with. Written by the server.
    #[serde(default)]
    #[schemars(extend("readOnly" = true))]
    pub key_version: String,
    /// When the secret was stored first, RFC 3339. Written by the server.
    #[serde(default)]
    #[schemars(extend("readOnly" = true))]
    pub created_at: Option<Timestamp>,
    /// When its value was written last, RFC 3339. Written by the server.
    #[serde(default)]
    #[schemars(extend("readOnly" = true))]
    pub value_at: Option<Timestamp>,

    /// Who maintains it; plans of others leave it alone.
    #[serde(default, rename = "managed_by")]
    #[schemars(example = &"team-a")]
    _managed_by: Option<String>,
    /// The version of the document format.
    #[serde(default, rename = "version")]
    _version: Option<Box<RawValue>>,
    /// Written by the server; what is sent is left out.
    #[serde(default, rename = "revision")]
    #[schemars(extend("readOnly" = true))]
    _revision: Option<Box<RawValue>>,
    /// Written by the server; what is sent is left out.
    #[serde(default, rename = "updated_at")]
    #[schemars(extend("readOnly" = true))]
    _updated_at: Option<Box<RawValue>>,
    /// Where an editor finds the schema of this document.
    #[serde(default, rename = "$schema")]
    _schema: Option<Box<RawValue>>,
}

fn example() -> serde_json::Value {
    serde_json::json!({
        "id": "billing",
        "description": "The key of the billing API",
        "usable_by": {"upstreams": ["billing"]},
    })
}

impl SecretDefinition {
    /// Reads the document stored under `id`.
    pub fn read(id: &str, document: &Document) -> Result<Read<Self>, Problems> {
        let (mut definition, mut warnings) = checked::<Self>(
            document,
            |_, _| false,
            |definition| check::problems(id, definition),
        )?;
        if !definition.id.is_empty() && *definition.id != *id {
            warnings.push(format!(
                "id: the document says `{}`, it is served under its key `{id}`",
                definition.id
            ));
        }
        if definition.usable_by.is_nobody() {
            warnings.push(
                "usable_by: no definition may name this secret; name `tools`, `upstreams` or `owners`"
                    .to_owned(),
            );
        }
        definition.id = id.into();
        Ok(Read { definition, warnings })
    }

    /// The ciphertext, with what stands around it.
    pub fn sealed_bytes(&self) -> Option<Vec<u8>> {
        STANDARD.decode(&self.sealed).ok()
    }

    /// Why this definition may not name it.
    pub fn refuses(&self, user: SecretUser<'_>) -> Option<String> {
        if self.usable_by.allows(user) {
            return None;
        }
        let (noun, id) = (user.kind.row().noun, user.id);
        let who = match user.owner {
            Some(owner) => format!("neither {noun} `{id}` nor the owner `{owner}`"),
            None => format!("no {noun} `{id}`"),
        };
        Some(format!(
            "may not be used here: `usable_by` of the secret names {who}"
        ))
    }

    fn value_problem(&self) -> Option<Problem> {
        // Never repeated.
        self._value.as_ref().map(|_| {
            Problem::at(
                "value",
                "is not stored as it is: write the secret through a gateway or with `dynmcp secrets put`, which encrypts it",
            )
        })
    }
}

#[cfg(test)]
mod tests;
