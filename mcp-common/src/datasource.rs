//! The port behind which definitions are stored.
//!
//! A source keeps documents under keys and numbers every change with a [`Revision`] that grows in the order in which
//! changes became visible. What an implementation must hold is stated by the contract suite (feature `testsuite`).

mod leases;

pub use leases::{LeaseSet, Leased, Leases};

use crate::key::{Key, Revision};
use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::BoxStream;
use std::time::SystemTime;

/// One stored definition, as the source has it: not parsed, possibly not even JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The key under which it is stored.
    pub key: Key,
    /// The revision that wrote it.
    pub revision: Revision,
    /// The time when it was written, as far as the source knows.
    pub updated_at: Option<SystemTime>,
    /// The stored document. Normally JSON text; a platform team may have written anything. The catalog keeps it as it
    /// is: a slice of something larger would keep all of that.
    pub body: Bytes,
}

/// All definitions at one revision.
#[derive(Clone, Debug, Default)]
pub struct Load {
    /// `watch(revision)` continues from here without a gap.
    pub revision: Revision,
    /// The records, in no particular order, each key once.
    pub records: Vec<Record>,
    /// Entries that are not records: a row of unknown type, a key that names no kind.
    pub unreadable: Vec<Unreadable>,
}

/// Something in the store that cannot be a definition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// Where: an etcd key, a row, a file and line.
    pub place: String,
    /// What is wrong with it.
    pub reason: String,
    /// The revision it was found at.
    pub revision: Revision,
}

/// What happened to one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// The record is stored now (new or replaced).
    Put(Record),
    /// The key is gone since this revision.
    Delete {
        /// What was deleted.
        key: Key,
        /// The revision that deleted it.
        revision: Revision,
    },
    /// Something appeared that cannot be a definition.
    Unreadable(Unreadable),
    /// What was unreadable at this place is gone, or can be read now.
    Readable {
        /// The place, as it was reported.
        place: String,
        /// The revision by which it was readable.
        revision: Revision,
    },
}

impl Change {
    /// The revision that brought it: changes of a batch stand in the order of these.
    pub fn revision(&self) -> Revision {
        match self {
            Self::Put(record) => record.revision,
            Self::Delete { revision, .. } | Self::Readable { revision, .. } => *revision,
            Self::Unreadable(unreadable) => unreadable.revision,
        }
    }
}

/// Changes in the order of their revisions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    /// The revision up to which the consumer now knows everything; at least the last change's revision.
    pub revision: Revision,
    /// May leave out changes that a later one of the same key supersedes.
    pub changes: Vec<Change>,
}

/// What the writer expects to find under the key (compare-and-swap).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// Anything or nothing.
    Any,
    /// Nothing is stored under the key.
    Absent,
    /// The record of exactly this revision.
    Revision(Revision),
}

impl Expected {
    /// Whether `current`, what is stored, is what the writer expects; [`SourceError::Conflict`] if not.
    pub fn met_by(self, current: Option<Revision>) -> Result<(), SourceError> {
        let is_met = match self {
            Self::Any => true,
            Self::Absent => current.is_none(),
            Self::Revision(revision) => current == Some(revision),
        };
        if is_met {
            Ok(())
        } else {
            Err(SourceError::Conflict { current })
        }
    }
}

/// One write, by whom.
#[derive(Clone, Debug)]
pub struct Write<'a> {
    /// The key that is written.
    pub key: &'a Key,
    /// The condition.
    pub expected: Expected,
    /// Who writes; kept in the history.
    pub principal: &'a str,
}

/// A past state of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistoryEntry {
    /// The revision that made it.
    pub revision: Revision,
    /// The time when it was made, as far as the source knows.
    pub at: Option<SystemTime>,
    /// Who made it, where the source knows that (a raw SQL write has no principal).
    pub principal: Option<String>,
    /// The document, or `None` for a deletion.
    pub body: Option<Bytes>,
}

/// Why a source could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The expected revision is not the stored one. Becomes HTTP 409.
    #[error("the stored revision is {}, not the expected one", .current.map_or_else(|| "none".to_owned(), |r| r.to_string()))]
    Conflict {
        /// What is stored, `None` for nothing.
        current: Option<Revision>,
    },
    /// `watch(from)` asked for changes that the source no longer has: load again.
    #[error("changes after revision {from} are no longer available")]
    HistoryLost {
        /// What was asked for.
        from: Revision,
    },
    /// The document is larger than the store takes. Becomes HTTP 413.
    #[error("the document has {size} bytes, the store takes at most {limit}")]
    TooLarge {
        /// Bytes of the document.
        size: usize,
        /// Bytes the store takes.
        limit: usize,
    },
    /// This source is not written through the gateway. Becomes HTTP 405.
    #[error("this data source is read-only: {0}")]
    ReadOnly(String),
    /// The store is there and has no room for the write, of which nothing is kept. Becomes HTTP 507 (RFC 4918,
    /// section 11.5); reading goes on.
    #[error("the data source has no space left: {0}")]
    Full(String),
    /// The store cannot be reached or answers with a passing fault. Becomes HTTP 503; try again.
    #[error("the data source is unavailable: {0}")]
    Unavailable(String),
    /// A write was sent and no answer came: whether it is stored is not known. Becomes HTTP 503; look, then try again.
    #[error("{0}; whether the write was stored is not known")]
    InDoubt(String),
    /// Wrong configuration, missing rights, damaged data: trying again does not help.
    #[error("{0}")]
    Broken(String),
}

/// Batches of changes; ends after an error (the consumer resumes with `watch` from what it has).
pub type Changes = BoxStream<'static, Result<Batch, SourceError>>;

/// A place where definitions are stored.
#[async_trait]
pub trait DataSource: Send + Sync + 'static {
    /// Reads all definitions at one revision.
    async fn load(&self) -> Result<Load, SourceError>;

    /// Follows the store: all changes after `from`, then new ones as they happen, in order of revision, none twice, none missing.
    /// [`SourceError::HistoryLost`] if the source no longer has them.
    ///
    /// An answer of `Ok` says that the store is there: the gateway counts as connected as long as the stream goes on.
    /// So a source that cannot know asks its store before it answers.
    async fn watch(&self, from: Revision) -> Result<Changes, SourceError>;

    /// Stores the document if the expectation holds, and returns the revision of the write.
    /// When this returns, a `load` by anybody sees the document.
    async fn put(&self, write: Write<'_>, body: Bytes) -> Result<Revision, SourceError>;

    /// Deletes the record if the expectation holds: the revision of the deletion, or `None` if nothing was there.
    async fn delete(&self, write: Write<'_>) -> Result<Option<Revision>, SourceError>;

    /// The key's past states, newest first, at most `limit`.
    async fn history(&self, key: &Key, limit: usize) -> Result<Vec<HistoryEntry>, SourceError>;

    /// The number of entries that are stored and switched off, so that [`load`](Self::load) leaves them out: operators
    /// are told. 0 where a source knows no such thing.
    async fn disabled(&self) -> Result<u64, SourceError> {
        Ok(0)
    }

    /// Entries that end by themselves, which all gateways on the store have together; `None` where there is no such thing (or not yet).
    fn leases(&self) -> Option<&dyn Leases> {
        None
    }
}
