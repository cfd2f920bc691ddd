//! The kinds of definitions, one row each.
//!
//! Everything that differs between collections stands in the row: how data sources, files, admin paths, exports and the
//! published schema name it, and how its documents are read. A new kind is a row, its definition and its entry type;
//! the rows of other crates are found by `inventory`, as plugins are.

use crate::{
    definition::{
        ApiKeyDefinition, InstanceDefinition, Read, RoleDefinition, SecretDefinition, ToolDefinition,
        UnknownMembers, UpstreamDefinition,
    },
    document::Document,
    problem::Problems,
};
use serde::{Serialize, Serializer};
use serde_json::Value;
use std::{any::Any, cmp::Ordering, fmt, hash, sync::Arc};

/// What a document of a kind says, for those who know the type of its definition.
pub type Definition = Arc<dyn Any + Send + Sync>;

/// One kind of definitions.
#[derive(Debug)]
pub struct KindRow {
    /// The name in messages and in the column `xds_type` of SQL sources: `TDS`.
    pub name: &'static str,
    /// The name in admin paths, etcd keys, folders and lists of files: `tds`.
    pub segment: &'static str,
    /// The word for one definition: `tool`.
    pub noun: &'static str,
    /// The word for several: `tools`.
    pub plural: &'static str,
    /// One sentence about the collection, for the description of the admin API.
    pub about: &'static str,
    /// The place in the order of writing: a kind comes after those that its documents name. Deletions go the other way.
    pub order: u8,
    /// Members that only documents of this kind have: a file that has one of them need not say what it holds.
    pub telling: &'static [&'static str],
    /// The members of a document in the order in which people read them.
    pub members: &'static [&'static str],
    /// The same for members of members: `("tds_ext_info", &["domain", …])`.
    pub inner: &'static [(&'static str, &'static [&'static str])],
    /// Members that are stored and shown to nobody.
    pub private: &'static [&'static str],
    /// The JSON Schema of the documents.
    pub schema: fn(UnknownMembers) -> Value,
    /// Reads a document that is stored under this id.
    pub read: fn(&str, &Document) -> Result<Read<Definition>, Problems>,
}

impl KindRow {
    /// The document as it may be shown.
    pub fn shown(&self, document: &Document) -> Document {
        let mut document = document.clone();
        for member in self.private {
            document.remove(member);
        }
        document
    }

    /// `a tool`, `an instance`.
    pub fn with_article(&self) -> String {
        let article = if self.noun.starts_with(['a', 'e', 'i', 'o', 'u']) {
            "an"
        } else {
            "a"
        };
        format!("{article} {}", self.noun)
    }
}

/// A kind that another crate brings.
#[derive(Debug)]
pub struct KindEntry(pub &'static KindRow);

inventory::collect!(KindEntry);

/// A collection of definitions. Equal if the names are.
#[derive(Clone, Copy)]
pub struct Kind(&'static KindRow);

impl Kind {
    /// Tool definitions (Tool Discovery Service).
    pub const TOOL: Self = Self(&ToolDefinition::KIND);
    /// Instance definitions (Instance Discovery Service).
    pub const INSTANCE: Self = Self(&InstanceDefinition::KIND);
    /// Upstream definitions (Upstream Discovery Service).
    pub const UPSTREAM: Self = Self(&UpstreamDefinition::KIND);
    /// Key definitions (Key Discovery Service).
    pub const API_KEY: Self = Self(&ApiKeyDefinition::KIND);
    /// Role definitions (Role Discovery Service).
    pub const ROLE: Self = Self(&RoleDefinition::KIND);
    /// Secret definitions (Secret Discovery Service).
    pub const SECRET: Self = Self(&SecretDefinition::KIND);
    /// The kinds that are always there.
    pub const OWN: [Self; 6] = [
        Self::TOOL,
        Self::INSTANCE,
        Self::UPSTREAM,
        Self::SECRET,
        Self::ROLE,
        Self::API_KEY,
    ];

    /// The kind of a row. Others find it only if the row is registered.
    pub const fn of(row: &'static KindRow) -> Self {
        Self(row)
    }

    /// All kinds, in the order of writing.
    pub fn all() -> Vec<Self> {
        let mut all: Vec<Self> = Self::unordered().collect();
        all.sort_unstable();
        // A row that is registered twice is one kind.
        all.dedup();
        all
    }

    fn unordered() -> impl Iterator<Item = Self> {
        let others = inventory::iter::<KindEntry>.into_iter();
        Self::OWN.into_iter().chain(others.map(|entry| Self(entry.0)))
    }

    /// The row that says everything about the kind.
    pub fn row(self) -> &'static KindRow {
        self.0
    }

    /// The name in the column `xds_type` of SQL sources.
    pub fn as_str(self) -> &'static str {
        self.0.name
    }

    /// The name in admin paths and etcd keys.
    pub fn path_segment(self) -> &'static str {
        self.0.segment
    }

    /// The kind whose name or path segment this is, in any letter case.
    pub fn parse(text: &str) -> Option<Self> {
        Self::unordered()
            .find(|kind| text.eq_ignore_ascii_case(kind.0.segment) || text.eq_ignore_ascii_case(kind.0.name))
    }

    /// The kind of exactly this path segment.
    pub fn of_segment(segment: &str) -> Option<Self> {
        Self::unordered().find(|kind| kind.0.segment == segment)
    }

    /// What the member `kind` of a document in a file can say: `tds` or `tool`, `ids` or `instance`.
    pub fn of_word(word: &str) -> Option<Self> {
        Self::parse(word).or_else(|| Self::unordered().find(|kind| kind.0.noun == word))
    }

    /// All kinds in one text, for messages: `` `tds` or `ids` ``.
    pub fn listed(of: impl Fn(Self) -> String, last: &str) -> String {
        let mut texts: Vec<String> = Self::all().into_iter().map(of).collect();
        let end = texts.pop().unwrap_or_default();
        if texts.is_empty() {
            return end;
        }
        format!("{} {last} {end}", texts.join(", "))
    }

    /// `` `tds` or `ids` ``: what to write where a kind is asked for.
    pub fn words() -> String {
        Self::listed(|kind| format!("`{}`", kind.path_segment()), "or")
    }
}

impl PartialEq for Kind {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self.0, other.0) || self.0.name == other.0.name
    }
}

impl Eq for Kind {}

impl Ord for Kind {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.0.order, self.0.name).cmp(&(other.0.order, other.0.name))
    }
}

impl PartialOrd for Kind {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl hash::Hash for Kind {
    fn hash<H: hash::Hasher>(&self, state: &mut H) {
        self.0.name.hash(state);
    }
}

impl fmt::Debug for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.name)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.name)
    }
}

impl Serialize for Kind {
    fn serialize<S: Serializer>(&self, output: S) -> Result<S::Ok, S::Error> {
        output.serialize_str(self.0.name)
    }
}
