//! Where what cannot be used is kept, with the reason.

use crate::{
    document::Document,
    key::{Key, Kind, Revision},
    problem::Problem,
};
use std::{fmt, sync::Arc, time::SystemTime};

/// The place of the bad thing in the store.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// Something under the key of a definition.
    Definition(Key),
    /// Somewhere that names no definition: an etcd key, a row, a file and line.
    Elsewhere(Arc<str>),
}

/// Why something is in quarantine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// It cannot be a definition at all.
    Unreadable,
    /// The document is not JSON, has the wrong shape, or does not compile.
    Document,
    /// The tools of an instance do not go together: two have one name, or one does not fit what the instance says about it.
    Tools,
}

/// Something that cannot be used as it is stored.
#[derive(Clone, Debug)]
pub struct Quarantined {
    /// The place where it stands.
    pub place: Place,
    /// The revision that made it so.
    pub revision: Revision,
    /// The time when it was written, as far as the source knows.
    pub updated_at: Option<SystemTime>,
    /// What kind of fault it is.
    pub cause: Cause,
    /// What is wrong, and where.
    pub reason: String,
    /// The time when this replica found it.
    pub at: SystemTime,
    /// The version that is served instead, if there is one.
    pub serving_revision: Option<Revision>,
    /// What is stored, if it can be read as a JSON object.
    pub document: Option<Document>,
    /// The reason, finding by finding; empty unless the document is at fault.
    pub problems: Vec<Problem>,
}

impl Quarantined {
    /// Which collection it belongs to; `None` for what names no definition.
    pub fn kind(&self) -> Option<Kind> {
        match &self.place {
            Place::Definition(key) => Some(key.kind),
            Place::Elsewhere(_) => None,
        }
    }

    /// The definition's id, or the place for what names no definition.
    pub fn id(&self) -> &Arc<str> {
        match &self.place {
            Place::Definition(key) => &key.id,
            Place::Elsewhere(place) => place,
        }
    }

    pub(super) fn announce(&self) {
        tracing::warn!(
            key = %self.place,
            revision = self.revision,
            serving_revision = self.serving_revision,
            reason = self.reason,
            "quarantined"
        );
    }

    /// Whether a reader of the quarantine would see no difference (`at` tells when it was found first).
    pub(super) fn is_same(&self, other: &Self) -> bool {
        let text = |entry: &Self| {
            entry
                .document
                .as_ref()
                .map(|document| document.as_json().to_owned())
        };
        self.place == other.place
            && self.revision == other.revision
            && self.cause == other.cause
            && self.reason == other.reason
            && self.serving_revision == other.serving_revision
            && text(self) == text(other)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Definition(key) => key.fmt(f),
            Self::Elsewhere(place) => f.write_str(place),
        }
    }
}
