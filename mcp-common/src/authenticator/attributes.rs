//! What an authenticator knows of a caller beside the name: for templates of definitions, never for the rights of `/admin`.

use serde::Deserialize;
use serde_json::value::RawValue;
use std::{collections::BTreeMap, fmt};

/// Roles and claims of a caller. Made by an authenticator, once for each key or token.
///
/// ```
/// # use mcp_common::authenticator::Attributes;
/// let token = r#"{"roles": ["billing"], "claims": {"account": 123456789012345678901234567890}}"#;
/// let known: Attributes = serde_json::from_str(token).unwrap();
/// assert_eq!(known.claims["account"].get(), "123456789012345678901234567890");
/// ```
#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attributes {
    /// `principal.roles` of templates.
    #[serde(default)]
    pub roles: Vec<String>,
    /// `principal.claims.<name>` of templates: JSON as the token has it, so that numbers keep all of their digits.
    #[serde(default)]
    pub claims: BTreeMap<String, Box<RawValue>>,
}

impl Attributes {
    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.roles.is_empty() && self.claims.is_empty()
    }
}

impl PartialEq for Attributes {
    fn eq(&self, other: &Self) -> bool {
        fn texts(of: &Attributes) -> impl Iterator<Item = (&String, &str)> {
            of.claims.iter().map(|(name, raw)| (name, raw.get()))
        }
        self.roles == other.roles && texts(self).eq(texts(other))
    }
}

impl Eq for Attributes {}

/// Claims are personal data: their names, not their values.
impl fmt::Debug for Attributes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let claims: Vec<_> = self.claims.keys().collect();
        f.debug_struct("Attributes")
            .field("roles", &self.roles)
            .field("claims", &claims)
            .finish()
    }
}
