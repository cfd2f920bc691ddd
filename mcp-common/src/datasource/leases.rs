//! What replicas tell each other through their store beside definitions: entries that end by themselves where nobody writes them again. They have no
//! history, and no catalog reads them.

use super::SourceError;
use async_trait::async_trait;
use bytes::Bytes;
use std::time::Duration;

/// One entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leased {
    /// Its name, of at most 128 bytes.
    pub name: String,
    /// What it says: text.
    pub body: Bytes,
    /// Another one after each write.
    pub version: u64,
}

/// All entries at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LeaseSet {
    /// In no particular order.
    pub entries: Vec<Leased>,
    /// What [`Leases::changed`] is asked with.
    pub mark: u64,
}

/// A store's entries that end.
#[async_trait]
pub trait Leases: Send + Sync {
    /// Those that have not ended.
    async fn all(&self) -> Result<LeaseSet, SourceError>;

    /// Writes an entry, which ends after this time at the earliest; the version that it has then. [`SourceError::Conflict`] if it is not of the expected
    /// version, `None` being no entry.
    async fn write(
        &self,
        name: &str,
        body: Bytes,
        expected: Option<u64>,
        lives: Duration,
    ) -> Result<u64, SourceError>;

    /// Takes an entry away, if it is of this version; one that is not there is as wanted.
    async fn remove(&self, name: &str, expected: u64) -> Result<(), SourceError>;

    /// Ready when it is worth reading all of them again, since there may be others than at the mark.
    async fn changed(&self, mark: u64) -> Result<(), SourceError>;
}
