//! Past states: what gateways put down beside their writes, and what etcd itself still has.

use super::{
    Etcd,
    api::{KeyValue, RangeRequest, SortOrder, TxnRequest},
    client::Client,
    cluster::{Fault, Purpose},
    load::after,
    trouble::Trouble,
};
use bytes::Bytes;
use mcp_common::{
    datasource::HistoryEntry,
    key::{Key, Revision},
};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    time::{Duration, SystemTime},
};

/// Ends the name of a document that had no place beside its entry in one request.
pub(super) const APART: &str = "/body";

/// An entry's value: a line of JSON about the write, then the document as it is.
pub(super) fn entry(principal: &str, body: Stored<'_>) -> Vec<u8> {
    let since = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    let at = u64::try_from(since.as_millis()).unwrap_or(u64::MAX);
    let (kind, body) = match body {
        Stored::Here(body) => ("here", &body[..]),
        Stored::Apart => ("apart", &[][..]),
        Stored::Deleted => ("deleted", &[][..]),
    };
    let about = json!({ "at": at, "principal": principal, "body": kind });
    let mut value = about.to_string().into_bytes();
    value.push(b'\n');
    value.extend_from_slice(body);
    value
}

/// Where an entry's document is.
#[derive(Clone, Copy, Debug)]
pub(super) enum Stored<'a> {
    Here(&'a Bytes),
    Apart,
    Deleted,
}

impl Etcd {
    pub(super) async fn past(&self, key: &Key, mut limit: usize) -> Result<Vec<HistoryEntry>, Fault> {
        if limit == 0 {
            return Ok(Vec::new());
        }
        let (current, stored) = loop {
            match self.read_past(key, limit).await {
                // Less, rather than nothing.
                Err(fault) if fault.trouble == (Trouble::TooLarge { answer: true }) && limit > 1 => {
                    limit /= 2
                }
                read => break read?,
            }
        };
        let mut past = entries(stored);
        if let Some(current) = current {
            self.add_raw_writes(key, &current, limit, &mut past).await?;
        }
        Ok(past.into_values().rev().take(limit).collect())
    }

    /// The record and the newest entries, at one revision.
    async fn read_past(&self, key: &Key, limit: usize) -> Result<(Option<KeyValue>, Vec<KeyValue>), Fault> {
        let (definition, past) = (self.keys.definition(key), self.keys.past(key));
        // Twice, for documents that stand apart.
        let count = i64::try_from(limit.saturating_mul(2)).unwrap_or(i64::MAX);
        let record = RangeRequest {
            key: definition.into(),
            ..RangeRequest::default()
        };
        let newest = RangeRequest {
            range_end: after(&past),
            key: past.into(),
            sort_order: SortOrder::Descend.into(),
            limit: count,
            ..RangeRequest::default()
        };
        let both = TxnRequest {
            success: vec![record.into(), newest.into()],
            ..TxnRequest::default()
        };
        let both = &both;
        let read = |client: Client| async move {
            let mut found = client.txn(both.clone()).await?.found();
            let record = found.next().unwrap_or_default().pop();
            Ok((record, found.next().unwrap_or_default()))
        };
        self.cluster.ask(Purpose::Page, read).await
    }

    /// Writes past the gateway left no entry; etcd has them until it is compacted.
    async fn add_raw_writes(
        &self,
        key: &Key,
        current: &KeyValue,
        limit: usize,
        past: &mut BTreeMap<Revision, HistoryEntry>,
    ) -> Result<(), Fault> {
        let since = current.create_revision.unsigned_abs();
        let by_gateways = past
            .range(since..)
            .filter(|(_, entry)| entry.body.is_some())
            .count();
        if usize::try_from(current.version) == Ok(by_gateways) {
            return Ok(());
        }
        let mut record = current.clone();
        for _ in 0..limit {
            let (revision, version) = (record.mod_revision, record.version);
            past.entry(revision.unsigned_abs())
                .or_insert_with(|| HistoryEntry {
                    revision: revision.unsigned_abs(),
                    at: None,
                    principal: None,
                    body: Some(record.value.into()),
                });
            if version <= 1 {
                break;
            }
            match self.before(key, revision).await? {
                Some(earlier) => record = earlier,
                None => break,
            }
        }
        Ok(())
    }

    /// The record as it was before this revision.
    async fn before(&self, key: &Key, revision: i64) -> Result<Option<KeyValue>, Fault> {
        let definition = &self.keys.definition(key);
        let get = |client: Client| async move {
            let then = RangeRequest {
                key: definition.as_str().into(),
                revision: revision - 1,
                ..RangeRequest::default()
            };
            match client.range(then).await.map_err(Trouble::from) {
                Ok(mut found) => Ok(found.kvs.pop()),
                Err(Trouble::Compacted) => Ok(None),
                Err(trouble) => Err(trouble),
            }
        };
        self.cluster.ask(Purpose::Read, get).await
    }
}

/// What gateways put down, by revision; an entry that cannot be read is left out.
fn entries(stored: Vec<KeyValue>) -> BTreeMap<Revision, HistoryEntry> {
    let mut apart = BTreeMap::new();
    let mut entries = BTreeMap::new();
    // Newest first, so that a document which stands apart comes before its entry.
    for record in stored {
        let revision = record.mod_revision.unsigned_abs();
        let KeyValue { key: name, value, .. } = record;
        if let Some(entry_name) = name.strip_suffix(APART.as_bytes()) {
            apart.insert(entry_name.to_vec(), Bytes::from(value));
        } else if let Some(entry) = read(revision, value, apart.remove(&name)) {
            entries.insert(revision, entry);
        }
    }
    entries
}

fn read(revision: Revision, value: Vec<u8>, apart: Option<Bytes>) -> Option<HistoryEntry> {
    let value = Bytes::from(value);
    let end = value.iter().position(|byte| *byte == b'\n')?;
    let about: Value = serde_json::from_slice(&value[..end]).ok()?;
    let body = match about.get("body")?.as_str()? {
        "here" => Some(value.slice(end + 1..)),
        "apart" => Some(apart?),
        "deleted" => None,
        _ => return None,
    };
    let at = about.get("at").and_then(Value::as_u64);
    Some(HistoryEntry {
        revision,
        at: at.and_then(|at| SystemTime::UNIX_EPOCH.checked_add(Duration::from_millis(at))),
        principal: about.get("principal").and_then(Value::as_str).map(str::to_owned),
        body,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_comes_back() {
        let body = Bytes::from_static(b"{\n\"x\": 1}\xff");
        let here = read(7, entry("an\"na", Stored::Here(&body)), None).unwrap();
        assert_eq!(
            (here.revision, here.principal.as_deref(), here.body),
            (7, Some("an\"na"), Some(body.clone()))
        );
        assert!(here.at.is_some());
        let apart = read(7, entry("a", Stored::Apart), Some(body.clone())).unwrap();
        assert_eq!(apart.body, Some(body));
        assert_eq!(
            read(7, entry("a", Stored::Apart), None),
            None,
            "its document is gone"
        );
        assert_eq!(read(7, entry("a", Stored::Deleted), None).unwrap().body, None);
        assert_eq!(read(7, b"not ours".to_vec(), None), None);
    }
}
