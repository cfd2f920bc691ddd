//! One row of the change log, whatever a platform team wrote into it.

use bytes::Bytes;
use mcp_common::{
    datasource::{Change, Record, Unreadable},
    key::{Key, Kind, Revision},
};
use std::time::{Duration, SystemTime};

/// The columns in the order of [`COLUMNS`]. Everything is read as bytes: a column of SQLite takes any type.
pub(super) type Row = (i64, Vec<u8>, Vec<u8>, Option<Vec<u8>>, i64);

/// What to select for a [`Row`].
macro_rules! columns {
    () => {
        "revision, CAST(xds_type AS BLOB), CAST(key AS BLOB), body, changed_at"
    };
}
pub(super) use columns;

/// Revisions are never negative; the log numbers them from 1.
pub(super) fn revision(stored: i64) -> Revision {
    stored.unsigned_abs()
}

/// For binding; a revision beyond SQLite's integers does not exist.
pub(super) fn stored(revision: Revision) -> i64 {
    i64::try_from(revision).unwrap_or(i64::MAX)
}

pub(super) fn time(milliseconds: i64) -> Option<SystemTime> {
    let since = Duration::from_millis(u64::try_from(milliseconds).ok()?);
    SystemTime::UNIX_EPOCH.checked_add(since)
}

/// What the row says; nothing where something unreadable went away.
pub(super) fn change((number, xds_type, key, body, changed_at): Row) -> Option<Change> {
    let revision = revision(number);
    match (name(&xds_type, &key), body) {
        (Ok(key), Some(body)) => {
            let updated_at = time(changed_at);
            Some(Change::Put(Record {
                key,
                revision,
                updated_at,
                body: body.into(),
            }))
        }
        (Ok(key), None) => Some(Change::Delete { key, revision }),
        (Err(reason), Some(_)) => {
            let (key, xds_type) = (String::from_utf8_lossy(&key), String::from_utf8_lossy(&xds_type));
            let place = format!("dynmcp_xds, key `{key}`, xds_type `{xds_type}`");
            Some(Change::Unreadable(Unreadable {
                place,
                reason: reason.to_owned(),
                revision,
            }))
        }
        (Err(_), None) => None,
    }
}

fn name(xds_type: &[u8], key: &[u8]) -> Result<Key, &'static str> {
    let kind = std::str::from_utf8(xds_type).ok().and_then(Kind::parse);
    let kind = kind.ok_or("xds_type is neither TDS (a tool) nor IDS (an instance)")?;
    match std::str::from_utf8(key) {
        Ok("") => Err("the key is empty"),
        Ok(id) => Ok(Key { kind, id: id.into() }),
        Err(_) => Err("the key is not UTF-8"),
    }
}

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
