//! A role definition (RDS document): what whoever has it may do, and what not, whatever else allows it.

mod built_in;
mod check;
mod limits;
mod row;
mod rule;

pub use built_in::{ADMIN_ROLE, built_in};
pub use limits::RoleLimits;
pub use rule::{Rule, Thing};
pub(crate) use rule::{among, among_tools};

use super::{Read, decode::checked};
use crate::{document::Document, problem::Problems};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::sync::Arc;

/// A role: what whoever has it may do. Nothing is allowed that no rule allows. A member that the gateway does not know is an
/// error, since what it was meant to restrict would not be restricted.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(example = example())]
pub struct RoleDefinition {
    /// The word that keys name in `roles`. The id in the URL, or the key of the store, wins over the document's own.
    #[serde(default)]
    #[schemars(
        regex(pattern = "^[A-Za-z0-9._-]{1,64}$"),
        extend("patternErrorMessage" = "An id has 1 to 64 of A-Z a-z 0-9 . _ -")
    )]
    pub id: Arc<str>,
    /// What it is for, for people.
    pub description: Option<String>,
    /// Who answers for it, for people.
    #[schemars(example = &"team-support")]
    pub owner: Option<String>,
    /// Roles whose rules are this one's, too.
    #[serde(default)]
    #[schemars(example = &["viewer"])]
    pub inherits: Vec<Arc<str>>,
    /// What is allowed.
    #[serde(default)]
    pub allow: Vec<Rule>,
    /// What is refused, whatever allows it.
    #[serde(default)]
    pub deny: Vec<Rule>,
    /// How many calls each of those who have it may make.
    #[serde(default)]
    #[schemars(example = serde_json::json!({"rate": "20/s", "per_tool": {"refund_*": "5/min"}}))]
    pub limits: RoleLimits,

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
        "id": "support-agent",
        "allow": [{
            "actions": ["tools/call"],
            "instances": ["support"],
            "tools": ["orders_*", "tag:read-only"],
            "when": "args.amount < 1000",
        }],
        "deny": [{"actions": ["*"], "tools": ["*_delete_*"]}],
    })
}

impl RoleDefinition {
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
        definition.id = id.into();
        Ok(Read { definition, warnings })
    }

    /// Its conditions, with the field of each.
    pub fn conditions(&self) -> impl Iterator<Item = (String, &str)> {
        let lists = [("allow", &self.allow), ("deny", &self.deny)];
        lists.into_iter().flat_map(|(list, rules)| {
            rules.iter().enumerate().filter_map(move |(index, rule)| {
                Some((format!("{list}[{index}].when"), rule.when.as_deref()?))
            })
        })
    }
}

#[cfg(test)]
mod tests;
