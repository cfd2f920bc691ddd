//! What a key of the store gives whoever shows it.

use super::{Gathered, KeyRing, Rights};
use crate::{
    definition::{ApiKeyDefinition, api_key::KeyLimits},
    key::Revision,
};
use std::{sync::Arc, time::SystemTime};

/// A key of the store that was shown, and what it opens.
#[derive(Clone, Debug)]
pub struct Grant {
    definition: Arc<ApiKeyDefinition>,
    gathered: Gathered,
    /// The revision of the key's document: what was granted by another one is granted no more.
    pub revision: Revision,
    /// The time when it ends; `None` for never.
    pub end: Option<SystemTime>,
}

impl Grant {
    /// What a key grants as it and its roles were stored at this revision, until `end`.
    pub fn new(
        definition: Arc<ApiKeyDefinition>,
        gathered: Gathered,
        revision: Revision,
        end: Option<SystemTime>,
    ) -> Self {
        Self {
            definition,
            gathered,
            revision,
            end,
        }
    }

    /// The key's id.
    pub fn key(&self) -> &Arc<str> {
        &self.definition.id
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
        let revision = ring.key(self.key()).map(|(_, revision)| revision);
        revision == Some(self.revision) && self.gathered.is_of(ring)
    }

    /// How many calls its holder may make; `None` for any number.
    pub fn limits(&self) -> Option<KeyLimits> {
        let limits = self.definition.limits;
        (!limits.is_empty()).then_some(limits)
    }
}

/// The same key with the same rights, as it was at the same time.
impl PartialEq for Grant {
    fn eq(&self, other: &Self) -> bool {
        (self.key(), self.revision, self.end, self.rights())
            == (other.key(), other.revision, other.end, other.rights())
    }
}

impl Eq for Grant {}
