//! How SQLite gives a row of the change log, and takes a document.

use bytes::Bytes;

pub(super) use crate::datasource::change_log::row::{Past, Row, change, collect, past, revision, stored};

/// What to select for a [`Row`]. Cast, since a column of SQLite takes any type.
macro_rules! columns {
    () => {
        "revision, CAST(xds_type AS BLOB), CAST(key AS BLOB), body, changed_at"
    };
}
pub(super) use columns;

/// JSON text goes into the TEXT column as text, so that platform teams can read it with plain SQL.
pub(super) enum Body<'a> {
    Text(&'a str),
    Binary(&'a [u8]),
}

impl<'a> From<&'a Bytes> for Body<'a> {
    fn from(body: &'a Bytes) -> Self {
        std::str::from_utf8(body).map_or(Self::Binary(body), Self::Text)
    }
}
