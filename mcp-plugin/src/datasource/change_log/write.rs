//! A write in a transaction, again where another writer was in the way.

use super::{Meaning, Place};
use bytes::Bytes;
pub(crate) use mcp_common::datasource::Write;
use mcp_common::{
    datasource::{Expected, SourceError},
    key::Revision,
};
use std::time::Duration;

/// Whether `current` is what the writer expects.
pub(crate) fn holds(expected: Expected, current: Option<Revision>) -> Result<(), SourceError> {
    let holds = match expected {
        Expected::Any => true,
        Expected::Absent => current.is_none(),
        Expected::Revision(revision) => current == Some(revision),
    };
    if holds {
        Ok(())
    } else {
        Err(SourceError::Conflict { current })
    }
}

/// The document as the text that it has to be in SQL.
pub(crate) fn text<'a>(
    place: &Place,
    write: &Write<'_>,
    body: &'a Bytes,
    limit: usize,
) -> Result<&'a str, SourceError> {
    let size = body.len();
    if size > limit {
        return Err(SourceError::TooLarge { size, limit });
    }
    std::str::from_utf8(body).map_err(|error| {
        SourceError::Broken(format!(
            "{}: the document {} is not UTF-8 ({error})",
            place.table, write.key
        ))
    })
}

/// Raw transactions that lock several rows may wait for us while we wait for them; the server then ends one of both.
const ATTEMPTS: u32 = 8;

/// What a transaction could not do.
pub(crate) enum Refused {
    Source(SourceError),
    Sql(sqlx::Error),
}

impl From<sqlx::Error> for Refused {
    fn from(error: sqlx::Error) -> Self {
        Self::Sql(error)
    }
}

impl From<SourceError> for Refused {
    fn from(error: SourceError) -> Self {
        Self::Source(error)
    }
}

/// How often one write was tried.
pub(crate) struct Attempts<'a> {
    place: &'a Place,
    made: u32,
}

impl<'a> Attempts<'a> {
    pub(crate) fn new(place: &'a Place) -> Self {
        Self { place, made: 0 }
    }

    /// Waits a little if the same again may succeed; the error otherwise.
    pub(crate) async fn again(&mut self, refused: Refused) -> Result<(), SourceError> {
        self.made += 1;
        match refused {
            Refused::Sql(error) if self.place.meaning(&error) == Meaning::Clash && self.made < ATTEMPTS => {
                tokio::time::sleep(Duration::from_millis(5) * self.made).await;
                Ok(())
            }
            Refused::Sql(error) => Err(self.place.source_error(error)),
            Refused::Source(error) => Err(error),
        }
    }
}
