//! A limit and where it stands.

use crate::definition::{api_key::KeyLimits, upstream::Pattern};
use std::sync::Arc;

/// How many calls somebody may make, and who says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlacedLimits {
    /// For people: ``the role `agent` ``, `the key`.
    pub place: Arc<str>,
    /// The tools whose calls are counted, by the names that they have in an instance; `None` for calls of all kinds.
    pub tools: Option<Pattern>,
    /// What is limited.
    pub limits: KeyLimits,
}
