//! The service's answer: all definitions at one revision. An entry that makes no sense is reported and leaves the others
//! alone; an answer that is no listing at all is refused as a whole, so that nothing is lost by half of one.

use bytes::Bytes;
use mcp_common::{
    datasource::{Record, Unreadable},
    key::{Key, Kind, Revision},
};
use serde::Deserialize;
use serde_json::{Value, value::RawValue};
use std::{
    collections::{BTreeMap, HashSet},
    time::{Duration, SystemTime},
};

#[derive(Debug, Default)]
pub(super) struct Listing {
    pub(super) revision: Revision,
    pub(super) records: Vec<Record>,
    pub(super) unreadable: Vec<Unreadable>,
    /// What is gone, and since when.
    pub(super) deleted: Vec<(Key, Revision)>,
    /// All deletions after this revision are among them.
    pub(super) deleted_since: Revision,
}

#[derive(Deserialize)]
#[serde(expecting = "an object with `revision` and `definitions`")]
struct Answer<'a> {
    revision: Revision,
    #[serde(borrow)]
    definitions: Vec<&'a RawValue>,
    #[serde(borrow, default)]
    deleted: Vec<&'a RawValue>,
    deleted_since: Option<Revision>,
}

#[derive(Deserialize)]
#[serde(expecting = "an object with `kind`, `id`, `revision` and `document`")]
struct Entry<'a> {
    kind: String,
    id: String,
    revision: Revision,
    /// Seconds since 1970.
    updated_at: Option<u64>,
    #[serde(borrow)]
    document: &'a RawValue,
}

#[derive(Deserialize)]
struct Deletion {
    kind: String,
    id: String,
    revision: Revision,
}

impl Listing {
    pub(super) fn parse(body: &[u8]) -> Result<Self, String> {
        let answer: Answer<'_> = serde_json::from_slice(body)
            .map_err(|error| format!("answered with something that is no listing of definitions: {error}"))?;
        let mut listing = Self {
            revision: answer.revision,
            ..Self::default()
        };
        listing.take_definitions(&answer.definitions);
        listing.take_deletions(&answer);
        Ok(listing)
    }

    fn take_definitions(&mut self, entries: &[&RawValue]) {
        let mut seen = HashSet::new();
        let mut unreadable = BTreeMap::new();
        for (number, entry) in entries.iter().enumerate() {
            let read = self.record(entry).and_then(|record| {
                if seen.insert(record.key.clone()) {
                    Ok(record)
                } else {
                    Err("stands in the listing twice; the first one counts".to_owned())
                }
            });
            match read {
                Ok(record) => self.records.push(record),
                Err(reason) => {
                    let entry = self.unreadable(number, entry, reason);
                    unreadable.entry(entry.place.clone()).or_insert(entry);
                }
            }
        }
        self.unreadable = unreadable.into_values().collect();
    }

    fn record(&self, entry: &RawValue) -> Result<Record, String> {
        let entry: Entry<'_> = serde_json::from_str(entry.get()).map_err(|error| error.to_string())?;
        let key = key(&entry.kind, entry.id)?;
        if entry.revision > self.revision {
            let (own, all) = (entry.revision, self.revision);
            return Err(format!("has revision {own}, and the whole listing only {all}"));
        }
        Ok(Record {
            key,
            revision: entry.revision,
            updated_at: entry
                .updated_at
                .and_then(|seconds| SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds))),
            body: text(entry.document),
        })
    }

    /// Its place is its name, where it has one: the number changes when others come and go.
    fn unreadable(&self, number: usize, entry: &RawValue, reason: String) -> Unreadable {
        let entry: Value = serde_json::from_str(entry.get()).unwrap_or_default();
        let (kind, id, revision) = (&entry["kind"], &entry["id"], entry["revision"].as_u64());
        let (place, revision) = match (kind.as_str(), id.as_str()) {
            (Some(kind), Some(id)) => (format!("{kind} `{id}`"), revision),
            _ => (format!("definitions[{number}]"), None),
        };
        Unreadable {
            place,
            reason,
            revision: revision.unwrap_or(self.revision).min(self.revision),
        }
    }

    /// Where a deletion cannot be understood, or nothing is said about them, none is known: whoever is behind loads
    /// everything again, and nothing that is gone stays.
    fn take_deletions(&mut self, answer: &Answer<'_>) {
        let all: Option<Vec<_>> = answer.deleted.iter().map(|entry| self.deletion(entry)).collect();
        match (all, answer.deleted_since) {
            (Some(deleted), Some(since)) => (self.deleted, self.deleted_since) = (deleted, since),
            _ => self.deleted_since = self.revision,
        }
    }

    fn deletion(&self, entry: &RawValue) -> Option<(Key, Revision)> {
        let deletion: Deletion = serde_json::from_str(entry.get()).ok()?;
        let key = key(&deletion.kind, deletion.id).ok()?;
        (deletion.revision <= self.revision).then_some((key, deletion.revision))
    }
}

fn key(kind: &str, id: String) -> Result<Key, String> {
    let id = id.into();
    match Kind::parse(kind) {
        Some(kind) => Ok(Key { kind, id }),
        None => Err(format!(
            "`{kind}` is no kind of definition; there are `tds` and `ids`"
        )),
    }
}

/// A document stands there as it is, or as a text: so it keeps every byte, whatever it is.
fn text(document: &RawValue) -> Bytes {
    match serde_json::from_str::<String>(document.get()) {
        Ok(text) => text.into(),
        Err(_) => Bytes::copy_from_slice(document.get().as_bytes()),
    }
}

#[cfg(test)]
mod tests;
