//! What a key of the store gives whoever shows it.

use crate::{
    definition::{api_key::KeyLimits, upstream::Pattern},
    key::Revision,
};
use std::{sync::Arc, time::SystemTime};

/// A key of the store that was shown, and what it opens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// The key's id.
    pub key: Arc<str>,
    /// The revision of the key's document: what was granted by another one is granted no more.
    pub revision: Revision,
    /// The instances that it opens; `None` for all.
    pub instances: Option<Vec<Pattern>>,
    /// How many calls its holder may make; `None` for any number.
    pub limits: Option<KeyLimits>,
    /// When it ends; `None` for never.
    pub end: Option<SystemTime>,
}

impl Grant {
    /// Whether the instance of this id may be used.
    pub fn opens(&self, instance: &str) -> bool {
        let instances = self.instances.as_ref();
        instances.is_none_or(|instances| instances.iter().any(|pattern| pattern.matches(instance)))
    }
}
