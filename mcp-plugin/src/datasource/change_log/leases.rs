//! Entries that end: rows of a table of their own, with the time at which they end by the clock of the database. Each server has its own words for the same
//! statements.

use bytes::Bytes;
use mcp_common::datasource::{LeaseSet, Leased};
use std::time::Duration;

/// What `dynmcp migrate` does where nothing else is missing.
pub(crate) const STEP: &str = "the table dynmcp_leases, of entries that end";

/// What is said where the table is missing and somebody else makes it.
pub(crate) fn missing(reason: &str) -> String {
    format!("{reason}; `dynmcp migrate` makes the table dynmcp_leases where it is missing")
}

/// Entries of others are looked for again after this time.
pub(crate) const POLL: Duration = Duration::from_secs(1);

/// The statements, with what they are given in this order.
pub(crate) struct Statements {
    /// Makes the table where it is missing.
    pub(crate) make: &'static str,
    /// Takes away what has ended.
    pub(crate) purge: &'static str,
    /// Name, body and version of all.
    pub(crate) all: &'static str,
    /// A number that is another one after every write.
    pub(crate) mark: &'static str,
    /// Name, body, milliseconds. No row is written where the name is taken.
    pub(crate) insert: &'static str,
    /// Body, milliseconds, name, version.
    pub(crate) update: &'static str,
    /// Name, version.
    pub(crate) remove: &'static str,
    /// Name; its version.
    pub(crate) find: &'static str,
}

/// What became of a write.
pub(crate) enum Written {
    /// It has this version.
    Done(u64),
    /// It is of another version, or not there.
    Conflict(Option<u64>),
}

pub(crate) fn set(rows: Vec<(String, String, i64)>, mark: i64) -> LeaseSet {
    let entries = rows.into_iter().map(|(name, body, version)| Leased {
        name,
        body: Bytes::from(body),
        version: version.unsigned_abs(),
    });
    LeaseSet {
        entries: entries.collect(),
        mark: mark.unsigned_abs(),
    }
}

pub(crate) fn milliseconds(lives: Duration) -> i64 {
    // Beyond that no time is meant.
    i64::try_from(lives.as_millis())
        .unwrap_or(i64::MAX)
        .min(i64::MAX / 4)
}

pub(crate) fn stored(version: u64) -> i64 {
    i64::try_from(version).unwrap_or(i64::MAX)
}

/// The same steps with the driver of one kind of server.
macro_rules! steps {
    ($connection:ty) => {
        use crate::datasource::change_log::leases::{Written, milliseconds, set, stored};
        use mcp_common::datasource::LeaseSet;

        pub(crate) async fn make(connection: &mut $connection) -> Result<(), sqlx::Error> {
            sqlx::query(STATEMENTS.make)
                .execute(connection)
                .await
                .map(drop)
        }

        pub(crate) async fn all(connection: &mut $connection) -> Result<LeaseSet, sqlx::Error> {
            sqlx::query(STATEMENTS.purge)
                .execute(&mut *connection)
                .await?;
            // Before the rows, so that what is written meanwhile is seen again.
            let mark = mark(&mut *connection).await?;
            let rows = sqlx::query_as(STATEMENTS.all).fetch_all(connection).await?;
            Ok(set(rows, mark))
        }

        pub(crate) async fn mark(connection: &mut $connection) -> Result<i64, sqlx::Error> {
            sqlx::query_scalar(STATEMENTS.mark)
                .fetch_one(connection)
                .await
        }

        pub(crate) async fn write(
            connection: &mut $connection,
            name: &str,
            body: &str,
            expected: Option<u64>,
            lives: std::time::Duration,
        ) -> Result<Written, sqlx::Error> {
            let lives = milliseconds(lives);
            let written = match expected {
                None => {
                    sqlx::query(STATEMENTS.purge)
                        .execute(&mut *connection)
                        .await?;
                    sqlx::query(STATEMENTS.insert)
                        .bind(name)
                        .bind(body)
                        .bind(lives)
                }
                Some(version) => sqlx::query(STATEMENTS.update)
                    .bind(body)
                    .bind(lives)
                    .bind(name)
                    .bind(stored(version)),
            };
            let rows = written.execute(&mut *connection).await?.rows_affected();
            match (find(connection, name).await?, expected) {
                (Some(version), None) if rows == 1 => Ok(Written::Done(version)),
                // Whatever somebody else has made of it since.
                (_, Some(expected)) if rows == 1 => Ok(Written::Done(expected + 1)),
                (found, _) => Ok(Written::Conflict(found)),
            }
        }

        pub(crate) async fn remove(
            connection: &mut $connection,
            name: &str,
            expected: u64,
        ) -> Result<Written, sqlx::Error> {
            let remove = sqlx::query(STATEMENTS.remove)
                .bind(name)
                .bind(stored(expected));
            remove.execute(&mut *connection).await?;
            match find(connection, name).await? {
                None => Ok(Written::Done(expected)),
                found => Ok(Written::Conflict(found)),
            }
        }

        async fn find(connection: &mut $connection, name: &str) -> Result<Option<u64>, sqlx::Error> {
            let found = sqlx::query_scalar(STATEMENTS.find).bind(name);
            let version: Option<i64> = found.fetch_optional(connection).await?;
            Ok(version.map(i64::unsigned_abs))
        }
    };
}

pub(crate) use steps;
