//! What a key of the store gives whoever shows it.

use super::Narrowing;
use crate::{
    definition::{ApiKeyDefinition, api_key::KeyLimits},
    key::Revision,
};
use std::{sync::Arc, time::SystemTime};

/// A key of the store that was shown, and what it opens.
#[derive(Clone, Debug)]
pub struct Grant {
    definition: Arc<ApiKeyDefinition>,
    /// The revision of the key's document: what was granted by another one is granted no more.
    pub revision: Revision,
    /// The time when it ends; `None` for never.
    pub end: Option<SystemTime>,
}

impl Grant {
    /// What a key grants as it was stored at this revision, until `end`.
    pub fn new(definition: Arc<ApiKeyDefinition>, revision: Revision, end: Option<SystemTime>) -> Self {
        Self {
            definition,
            revision,
            end,
        }
    }

    /// The key's id.
    pub fn key(&self) -> &Arc<str> {
        &self.definition.id
    }

    /// Whether the instance of this id may be used.
    pub fn opens(&self, instance: &str) -> bool {
        let mut instances = self.definition.instances.iter();
        self.definition.is_admin() || instances.any(|pattern| pattern.matches(instance))
    }

    /// What of the instances is seen; `None` for all.
    pub fn narrowing(&self) -> Option<&Arc<Narrowing>> {
        self.definition.narrowing.as_ref()
    }

    /// How many calls its holder may make; `None` for any number.
    pub fn limits(&self) -> Option<KeyLimits> {
        let limits = self.definition.limits;
        (!limits.is_empty()).then_some(limits)
    }
}

/// The same key as it was at the same time.
impl PartialEq for Grant {
    fn eq(&self, other: &Self) -> bool {
        (self.key(), self.revision, self.end) == (other.key(), other.revision, other.end)
    }
}

impl Eq for Grant {}
