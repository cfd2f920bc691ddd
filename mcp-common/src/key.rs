//! What names a definition: its kind and its id, and the revision it was written at.

use serde::Serialize;
use std::{fmt, sync::Arc};

/// Grows with every change in a data source; 0 is "before the first change".
pub type Revision = u64;

/// The two collections of definitions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub enum Kind {
    /// A tool definition (Tool Discovery Service).
    #[serde(rename = "TDS")]
    Tool,
    /// An instance definition (Instance Discovery Service).
    #[serde(rename = "IDS")]
    Instance,
}

impl Kind {
    /// As SQL sources store it in `xds_type`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Tool => "TDS",
            Self::Instance => "IDS",
        }
    }

    /// As it stands in admin paths and etcd keys.
    pub fn path_segment(self) -> &'static str {
        match self {
            Self::Tool => "tds",
            Self::Instance => "ids",
        }
    }

    /// Reads either spelling, in any letter case.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            _ if text.eq_ignore_ascii_case("tds") => Some(Self::Tool),
            _ if text.eq_ignore_ascii_case("ids") => Some(Self::Instance),
            _ => None,
        }
    }
}

impl Kind {
    /// What the member `kind` of a document in a file can say: `tds` or `tool`, `ids` or `instance`.
    pub fn of_word(word: &str) -> Option<Self> {
        match word {
            "tool" => Some(Self::Tool),
            "instance" => Some(Self::Instance),
            other => Self::parse(other),
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A definition's place in the store. A tool and an instance may share an id.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// Which collection.
    pub kind: Kind,
    /// Unique inside the collection.
    pub id: Arc<str>,
}

impl Key {
    /// Of a tool definition.
    pub fn tool(id: impl Into<Arc<str>>) -> Self {
        Self {
            kind: Kind::Tool,
            id: id.into(),
        }
    }

    /// Of an instance definition.
    pub fn instance(id: impl Into<Arc<str>>) -> Self {
        Self {
            kind: Kind::Instance,
            id: id.into(),
        }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} `{}`", self.kind, self.id)
    }
}
