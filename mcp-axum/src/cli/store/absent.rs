//! A store that is not there yet: reading it makes none.

use async_trait::async_trait;
use bytes::Bytes;
use mcp_common::{
    datasource::{Changes, DataSource, HistoryEntry, Load, SourceError, Write},
    key::{Key, Revision},
};

/// Holds nothing.
pub(super) struct Absent;

fn absent() -> SourceError {
    SourceError::Unavailable("there is no store yet".to_owned())
}

#[async_trait]
impl DataSource for Absent {
    async fn load(&self) -> Result<Load, SourceError> {
        Ok(Load::default())
    }

    async fn watch(&self, _from: Revision) -> Result<Changes, SourceError> {
        Err(absent())
    }

    async fn put(&self, _write: Write<'_>, _body: Bytes) -> Result<Revision, SourceError> {
        Err(absent())
    }

    async fn delete(&self, _write: Write<'_>) -> Result<Option<Revision>, SourceError> {
        Err(absent())
    }

    async fn history(&self, _key: &Key, _limit: usize) -> Result<Vec<HistoryEntry>, SourceError> {
        Ok(Vec::new())
    }
}
