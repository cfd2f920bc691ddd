//! Which definitions may name a secret.

use crate::{definition::upstream::Pattern, key::Kind};
use schemars::JsonSchema;
use serde::Deserialize;

/// More are a sign that patterns would be better.
pub(super) const MOST_ENTRIES: usize = 1_000;
/// Stands for any text.
pub(super) const EVERYTHING: &str = "*";

/// Which definitions may name a secret. One of the lists has to name them; nothing said, no definition may.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct UsableBy {
    /// Tools by their ids, with `*` for any text.
    #[schemars(example = &["billing_*"])]
    pub tools: Vec<Pattern>,
    /// Upstreams by their ids, with `*` for any text: the secret goes where the upstream's document says, whatever tools say that are called at it.
    #[schemars(example = &["billing"])]
    pub upstreams: Vec<Pattern>,
    /// Definitions by who maintains them (`managed_by`), with `*` for any text.
    #[schemars(example = &["team-billing"])]
    pub owners: Vec<Pattern>,
}

/// A definition that names a secret.
#[derive(Clone, Copy, Debug)]
pub struct SecretUser<'a> {
    /// What it is.
    pub kind: Kind,
    /// Its id.
    pub id: &'a str,
    /// Who maintains it (`managed_by`).
    pub owner: Option<&'a str>,
}

impl UsableBy {
    /// Whether a definition may name the secret.
    pub fn allows(&self, user: SecretUser<'_>) -> bool {
        let of_kind: &[Pattern] = match user.kind {
            kind if kind == Kind::TOOL => &self.tools,
            kind if kind == Kind::UPSTREAM => &self.upstreams,
            _ => &[],
        };
        let has = |list: &[Pattern], text: &str| list.iter().any(|pattern| pattern.matches(text));
        has(of_kind, user.id) || user.owner.is_some_and(|owner| has(&self.owners, owner))
    }

    /// Whether no definition may.
    pub fn is_nobody(&self) -> bool {
        self.lists().iter().all(|(_, list)| list.is_empty())
    }

    pub(super) fn lists(&self) -> [(&'static str, &[Pattern]); 3] {
        [
            ("tools", &self.tools),
            ("upstreams", &self.upstreams),
            ("owners", &self.owners),
        ]
    }
}
