//! What a key of the store, or a token of an identity provider, gives whoever shows it.

use super::{Gathered, KeyRing, Rights};
use crate::{
    definition::{ApiKeyDefinition, api_key::KeyLimits},
    key::Revision,
};
use std::{sync::Arc, time::SystemTime};

/// A credential that was shown, and what it opens.
#[derive(Clone, Debug)]
pub struct Grant {
    /// The key and the revision of its document, for one of the store: what was granted by another one is granted no more.
    key: Option<(Arc<ApiKeyDefinition>, Revision)>,
    gathered: Gathered,
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
            end,
        }
    }

    /// What a token grants that names these roles, until `end`.
    pub fn of_token(gathered: Gathered, end: Option<SystemTime>) -> Self {
        Self {
            key: None,
            gathered,
            end,
        }
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

    /// How many calls its holder may make; `None` for any number.
    pub fn limits(&self) -> Option<KeyLimits> {
        let limits = self.key.as_ref().map(|(definition, _)| definition.limits);
        limits.filter(|limits| !limits.is_empty())
    }
}

/// The same credential with the same rights, as it was at the same time.
impl PartialEq for Grant {
    fn eq(&self, other: &Self) -> bool {
        (self.key(), self.revision(), self.end, self.rights())
            == (other.key(), other.revision(), other.end, other.rights())
    }
}

impl Eq for Grant {}
