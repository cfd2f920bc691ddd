//! What names a definition: its kind and its id, and the revision it was written at.

mod kind;

pub use kind::{Definition, Kind, KindEntry, KindRow};

use std::{fmt, sync::Arc};

/// Grows with every change in a data source; 0 is "before the first change".
pub type Revision = u64;

/// A definition's place in the store. Definitions of different kinds may share an id.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// The collection.
    pub kind: Kind,
    /// Unique inside the collection.
    pub id: Arc<str>,
}

impl Key {
    /// The key of a tool definition.
    pub fn tool(id: impl Into<Arc<str>>) -> Self {
        Self {
            kind: Kind::TOOL,
            id: id.into(),
        }
    }

    /// The key of an upstream definition.
    pub fn upstream(id: impl Into<Arc<str>>) -> Self {
        Self {
            kind: Kind::UPSTREAM,
            id: id.into(),
        }
    }

    /// The key of the definition of a key with which somebody comes in.
    pub fn api_key(id: impl Into<Arc<str>>) -> Self {
        Self {
            kind: Kind::API_KEY,
            id: id.into(),
        }
    }

    /// The key of a role definition.
    pub fn role(id: impl Into<Arc<str>>) -> Self {
        Self {
            kind: Kind::ROLE,
            id: id.into(),
        }
    }

    /// The key of a secret definition.
    pub fn secret(id: impl Into<Arc<str>>) -> Self {
        Self {
            kind: Kind::SECRET,
            id: id.into(),
        }
    }

    /// The key of an instance definition.
    pub fn instance(id: impl Into<Arc<str>>) -> Self {
        Self {
            kind: Kind::INSTANCE,
            id: id.into(),
        }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} `{}`", self.kind, self.id)
    }
}
