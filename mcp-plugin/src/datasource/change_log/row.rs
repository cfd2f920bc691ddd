//! One row of the change log, whatever a platform team wrote into it.

use mcp_common::{
    datasource::{Change, HistoryEntry, Load, Record, Unreadable},
    key::{Key, Kind, Revision},
};
use std::time::{Duration, SystemTime};

/// Revision, type, key, body, milliseconds since 1970. Text is read as bytes: it need not be UTF-8.
pub(crate) type Row = (i64, Vec<u8>, Vec<u8>, Option<Vec<u8>>, i64);

/// Revision, milliseconds since 1970, principal, body.
pub(crate) type Past = (i64, i64, Option<String>, Option<Vec<u8>>);

/// Revisions are never negative; the log numbers them from 1.
pub(crate) fn revision(stored: i64) -> Revision {
    stored.unsigned_abs()
}

/// The revision for binding; a revision beyond the database's integers does not exist.
pub(crate) fn stored(revision: Revision) -> i64 {
    i64::try_from(revision).unwrap_or(i64::MAX)
}

pub(crate) fn time(milliseconds: i64) -> Option<SystemTime> {
    let since = Duration::from_millis(u64::try_from(milliseconds).ok()?);
    SystemTime::UNIX_EPOCH.checked_add(since)
}

/// What the row says.
pub(crate) fn change((number, xds_type, key, body, changed_at): Row) -> Change {
    let revision = revision(number);
    let place = || {
        let (key, xds_type) = (String::from_utf8_lossy(&key), String::from_utf8_lossy(&xds_type));
        format!("dynmcp_xds, key `{key}`, xds_type `{xds_type}`")
    };
    match (name(&xds_type, &key), body) {
        (Ok(key), Some(body)) => Change::Put(Record {
            key,
            revision,
            updated_at: time(changed_at),
            body: body.into(),
        }),
        (Ok(key), None) => Change::Delete { key, revision },
        (Err(reason), Some(_)) => Change::Unreadable(Unreadable {
            place: place(),
            reason: reason.to_owned(),
            revision,
        }),
        (Err(_), None) => Change::Readable {
            place: place(),
            revision,
        },
    }
}

/// Adds a row that is the newest of its key.
pub(crate) fn collect(load: &mut Load, row: Row) {
    match change(row) {
        Change::Put(record) => load.records.push(record),
        Change::Unreadable(entry) => load.unreadable.push(entry),
        Change::Delete { .. } | Change::Readable { .. } => {}
    }
}

pub(crate) fn past((number, changed_at, principal, body): Past) -> HistoryEntry {
    HistoryEntry {
        revision: revision(number),
        at: time(changed_at),
        principal,
        body: body.map(Into::into),
    }
}

fn name(xds_type: &[u8], key: &[u8]) -> Result<Key, String> {
    let kind = std::str::from_utf8(xds_type).ok().and_then(Kind::parse);
    let known = || Kind::listed(|kind| format!("{kind} ({})", kind.row().with_article()), "or");
    let kind = kind.ok_or_else(|| format!("xds_type is not {}", known()))?;
    match std::str::from_utf8(key) {
        Ok("") => Err("the key is empty".to_owned()),
        Ok(id) => Ok(Key { kind, id: id.into() }),
        Err(_) => Err("the key is not UTF-8".to_owned()),
    }
}
