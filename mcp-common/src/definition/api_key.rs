//! A key definition (KDS document): who may come in with one secret, where, and until when. The secret itself is nowhere: a
//! document has its SHA-256, so that whoever reads a store, an export or a backup cannot come in.

mod check;
mod row;
mod secret;
mod token;

pub use check::MOST_SECRETS;
pub use secret::{Digest, KeySecret, Timestamp};
pub use token::{SECRET_BYTES, Token};

use super::{CallLimits, Read, access::given, decode::checked, upstream::Pattern};
use crate::{
    authenticator::{Attributes, Gathered, Grant, Narrowing, Principal},
    document::Document,
    key::Revision,
    problem::Problems,
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::{collections::BTreeMap, sync::Arc, time::SystemTime};

/// A key with which a program or a person comes in: what it opens, until when, and the hash of its secret. A member that the
/// gateway does not know is an error, since what it was meant to restrict would not be restricted.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(example = example())]
pub struct ApiKeyDefinition {
    /// The public part of the key, which logs name. The id in the URL, or the key of the store, wins over the document's own.
    #[serde(default)]
    #[schemars(
        regex(pattern = "^[A-Za-z0-9-]{1,64}$"),
        extend("patternErrorMessage" = "An id has 1 to 64 of A-Z a-z 0-9 -")
    )]
    pub id: Arc<str>,
    /// Who it is, in logs and in the history of definitions; the id where nothing is said.
    #[schemars(example = &"claude-support")]
    pub name: Option<Arc<str>>,
    /// What it is for, for people.
    pub description: Option<String>,
    /// Who answers for it, for people.
    #[schemars(example = &"team-support")]
    pub owner: Option<String>,
    /// Whether it lets anybody in.
    #[serde(default)]
    #[schemars(extend("default" = "active"))]
    pub status: ApiKeyStatus,
    /// The instances that it opens, whole, with `*` for any text; roles may open others.
    #[serde(default)]
    #[schemars(example = &["support"])]
    pub instances: Vec<Pattern>,
    /// The tools that it shows at the most, by the names that they have in an instance, with `*` for any text, or by tag
    /// (`tag:read-only`); all where nothing is said. What is not shown cannot be called.
    #[serde(default, deserialize_with = "given")]
    #[schemars(with = "Vec<Pattern>", example = &["get_*", "tag:read-only"])]
    pub tools: Option<Vec<Pattern>>,
    /// The resources of other servers that it shows at the most, by URI, with `*` for any text; all where nothing is said.
    #[serde(default, deserialize_with = "given")]
    #[schemars(with = "Vec<Pattern>", example = &["docs://*"])]
    pub resources: Option<Vec<Pattern>>,
    /// The prompts of other servers that it shows at the most, by name, with `*` for any text; all where nothing is said.
    #[serde(default, deserialize_with = "given")]
    #[schemars(with = "Vec<Pattern>", example = &["summarize"])]
    pub prompts: Option<Vec<Pattern>>,
    /// Its roles: those of the store, and `admin`, `editor`, `viewer` and `agent`, which are always there. Templates see all of them
    /// as `principal.roles`, also those that nobody defines.
    #[serde(default)]
    #[schemars(example = &["support-agent"])]
    pub roles: Vec<String>,
    /// What templates can name as `principal.claims.<name>`: JSON values, as they were written.
    #[serde(default)]
    #[schemars(example = serde_json::json!({"account": "4711"}))]
    pub claims: BTreeMap<String, Box<RawValue>>,
    /// How many calls its holder may make.
    #[serde(default)]
    #[schemars(example = serde_json::json!({"rate": "20/s", "concurrent": 8}))]
    pub limits: CallLimits,
    /// Until when it lets anybody in, RFC 3339; without it there is no end.
    #[serde(default)]
    pub expires_at: Option<Timestamp>,
    /// The hashes of the secrets that are valid; two while a key is being replaced by the next one.
    pub secrets: Vec<KeySecret>,

    /// What templates see of its holder, made once for all requests.
    #[serde(skip)]
    attributes: Option<Arc<Attributes>>,

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

/// Whether a key lets anybody in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ApiKeyStatus {
    /// It does.
    #[default]
    Active,
    /// It does not; it is kept, and can be activated again.
    Inactive,
}

fn example() -> serde_json::Value {
    serde_json::json!({
        "id": "k3f09c71be24",
        "name": "claude-support",
        "instances": ["support"],
        "secrets": [{"sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"}],
    })
}

impl ApiKeyDefinition {
    /// Reads the document stored under `id`.
    pub fn read(id: &str, document: &Document) -> Result<Read<Self>, Problems> {
        let (mut definition, mut warnings) = checked::<Self>(document, check::follows, |definition| {
            check::problems(id, definition)
        })?;
        if !definition.id.is_empty() && *definition.id != *id {
            warnings.push(format!(
                "id: the document says `{}`, it is served under its key `{id}`",
                definition.id
            ));
        }
        if definition.instances.is_empty() && definition.roles.is_empty() {
            warnings.push("instances: none is named, nor a role, so this key opens nothing".to_owned());
        }
        definition.id = id.into();
        definition.prepare();
        Ok(Read { definition, warnings })
    }

    /// The time after which one of its secrets is good for nothing; `None` for never.
    pub fn end_of(&self, secret: &KeySecret) -> Option<SystemTime> {
        let ends = [self.expires_at, secret.expires_at];
        ends.into_iter().flatten().map(|end| end.0).min()
    }

    /// Who comes in with it, as it was stored at this revision, until `end`, with these rights.
    pub fn principal(
        self: &Arc<Self>,
        gathered: Gathered,
        revision: Revision,
        end: Option<SystemTime>,
    ) -> Principal {
        Principal {
            subject: self.name.as_ref().unwrap_or(&self.id).clone(),
            admin: gathered.is_admin,
            attributes: self.attributes.clone(),
            grant: Some(Arc::new(Grant::new(self.clone(), gathered, revision, end))),
        }
    }

    /// What it shows at the most, whatever its roles allow.
    pub fn shown(&self) -> Narrowing {
        Narrowing {
            tools: self.tools.clone(),
            resources: self.resources.clone(),
            prompts: self.prompts.clone(),
        }
    }

    /// What requests share.
    fn prepare(&mut self) {
        let attributes = Attributes {
            roles: self.roles.clone(),
            claims: self.claims.clone(),
        };
        self.attributes = (!attributes.is_empty()).then(|| Arc::new(attributes));
    }
}

#[cfg(test)]
mod tests;
