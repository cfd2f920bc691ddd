//! What a key of the store, or a token of an identity provider, gives whoever shows it.

use super::{Gathered, KeyRing, PlacedLimits, Rights};
use crate::{definition::ApiKeyDefinition, key::Revision, secret::Secret};
use std::{sync::Arc, time::SystemTime};

/// A credential that was shown, and what it opens.
#[derive(Clone, Debug)]
pub struct Grant {
    /// The key and the revision of its document, for one of the store: what was granted by another one is granted no more.
    key: Option<(Arc<ApiKeyDefinition>, Revision)>,
    gathered: Gathered,
    /// Of a token.
    scopes: Arc<[String]>,
    /// The token itself, where it is one of an identity provider that others may take another one for.
    token: Option<Arc<Secret>>,
    /// The time when it ends; `None` for never.
    pub end: Option<SystemTime>,
}

impl Grant {
    /// What a key of the store grants as it and its roles were stored at this revision, until `end`.
    pub fn new(
        definition: Arc<ApiKeyDefinition>,
        gathered: Gathered,
        revision: Revision,
        end: Option<SystemTime>,
    ) -> Self {
        Self {
            key: Some((definition, revision)),
            gathered,
            scopes: Arc::default(),
            token: None,
            end,
        }
    }

    /// What a token grants that names these roles and has these scopes, until `end`.
    pub fn of_token(gathered: Gathered, scopes: Arc<[String]>, end: Option<SystemTime>) -> Self {
        Self {
            key: None,
            gathered,
            scopes,
            token: None,
            end,
        }
    }

    /// The same, with the token that was shown.
    #[must_use]
    pub fn by(self, token: Arc<Secret>) -> Self {
        Self {
            token: Some(token),
            ..self
        }
    }

    /// The token that was shown; a key is none.
    pub fn token(&self) -> Option<&Arc<Secret>> {
        self.token.as_ref()
    }

    /// The same, ending by then.
    pub fn ending_by(&self, end: SystemTime) -> Self {
        Self {
            end: Some(self.end.map_or(end, |own| own.min(end))),
            ..self.clone()
        }
    }

    /// The scopes of the token; a key has none.
    pub fn scopes(&self) -> &[String] {
        &self.scopes
    }

    /// Whether the role is among those of its holder, inherited ones included.
    pub fn names_role(&self, role: &str) -> bool {
        self.role_names().iter().any(|name| **name == *role)
    }

    /// The roles of its holder, inherited ones included.
    pub fn role_names(&self) -> &[Arc<str>] {
        &self.gathered.names
    }

    /// The id of the key, where it is one of the store.
    pub fn key(&self) -> Option<&Arc<str>> {
        self.key.as_ref().map(|(definition, _)| &definition.id)
    }

    /// The revision of the key's document.
    pub fn revision(&self) -> Option<Revision> {
        self.key.as_ref().map(|(_, revision)| *revision)
    }

    /// What its holder may do.
    pub fn rights(&self) -> &Arc<Rights> {
        &self.gathered.rights
    }

    /// Whether documents of roles say something about what it opens.
    pub fn depends_on_roles(&self) -> bool {
        self.gathered.depends_on_roles()
    }

    /// Whether the key and its roles are stored as they were when it was shown.
    pub fn is_still(&self, ring: &dyn KeyRing) -> bool {
        let is_same_key = self.key.as_ref().is_none_or(|(definition, revision)| {
            ring.key(&definition.id).map(|(_, revision)| revision) == Some(*revision)
        });
        is_same_key && self.gathered.is_of(ring)
    }

    /// How many calls its holder may make, by the key and by each role: all of them hold.
    pub fn limits(&self) -> &Arc<[PlacedLimits]> {
        &self.gathered.limits
    }
}

/// The same credential with the same rights, as it was at the same time.
impl PartialEq for Grant {
    fn eq(&self, other: &Self) -> bool {
        (self.key(), self.revision(), self.end, self.rights())
            == (other.key(), other.revision(), other.end, other.rights())
            && self.scopes() == other.scopes()
    }
}

impl Eq for Grant {}
