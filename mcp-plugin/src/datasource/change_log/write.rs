//! A write in a transaction, again where another writer was in the way.

use super::{Lease, Meaning, Place};
use bytes::Bytes;
use mcp_common::datasource::SourceError;
pub(crate) use mcp_common::datasource::Write;
use sqlx::{Database, Pool};
use std::time::Duration;

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

/// Tries a transaction on a connection of the pool until it is through. An attempt gives the connection back.
pub(crate) async fn transact<DB, T, Attempt>(
    pool: &Pool<DB>,
    place: &Place,
    attempt: impl Fn(Lease<DB>) -> Attempt,
) -> Result<T, SourceError>
where
    DB: Database,
    Attempt: Future<Output = (Lease<DB>, Result<T, Refused>)>,
{
    let mut lease = Lease::of(pool, place.patience)
        .await
        .map_err(|error| place.source_error(error))?;
    let mut made = 0;
    loop {
        let done;
        (lease, done) = attempt(lease).await;
        let answer = match done {
            Ok(done) => Ok(done),
            Err(Refused::Source(error)) => Err(error),
            Err(Refused::Sql(error)) => {
                made += 1;
                let meaning = place.meaning(&error);
                if meaning == Meaning::Clash && made < ATTEMPTS {
                    tokio::time::sleep(Duration::from_millis(5) * made).await;
                    continue;
                }
                match (meaning, place.source_error(error)) {
                    // It may have been the primary server when we connected: the next write finds out who is now.
                    (Meaning::ReadOnly, error) => return Err(error),
                    // The connection broke in the middle, perhaps after the commit.
                    (Meaning::Unreachable, SourceError::Unavailable(reason)) => {
                        Err(SourceError::InDoubt(reason))
                    }
                    (_, error) => Err(error),
                }
            }
        };
        lease.end();
        return answer;
    }
}
