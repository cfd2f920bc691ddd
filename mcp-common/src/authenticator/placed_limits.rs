//! A limit and where it stands.

use crate::definition::{CallLimits, upstream::Pattern};
use std::sync::Arc;

/// How many calls may be made, and who says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlacedLimits {
    /// Whose it is.
    pub scope: LimitScope,
    /// For people: ``the role `agent` ``, `the key`.
    pub place: Arc<str>,
    /// The tools whose calls are counted, by the names that they have in an instance; `None` for calls of all kinds.
    pub tools: Option<Pattern>,
    /// What is limited.
    pub limits: CallLimits,
}

/// Whose a limit is. Those of keys and roles are counted for each holder apart, all others for all callers together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum LimitScope {
    /// That of a key.
    Key,
    /// That of a role.
    Role,
    /// That of a tool with a definition, in whichever instances it is.
    Tool,
    /// That of an upstream.
    Upstream,
    /// That of an instance.
    Instance,
    /// That of the whole gateway.
    Gateway,
}

impl LimitScope {
    /// The word of metrics and messages.
    pub fn word(self) -> &'static str {
        match self {
            Self::Key => "key",
            Self::Role => "role",
            Self::Tool => "tool",
            Self::Upstream => "upstream",
            Self::Instance => "instance",
            Self::Gateway => "gateway",
        }
    }

    /// Whether all callers share it.
    pub fn is_shared(self) -> bool {
        !matches!(self, Self::Key | Self::Role)
    }
}
