//! Puts watch answers together to batches that hold whole revisions.

use super::{
    api::{Event, EventType, WatchResponse},
    keyspace::Keyspace,
};
use mcp_common::datasource::{Batch, Change, Record, Unreadable};

/// etcd cuts a large answer into fragments, possibly within a transaction.
#[derive(Debug)]
pub(super) struct Batches {
    keys: Keyspace,
    /// The changes of the newest revision of an answer whose end is still to come.
    held: Vec<Change>,
}

impl Batches {
    pub(super) fn new(keys: Keyspace) -> Self {
        Self {
            keys,
            held: Vec::new(),
        }
    }

    /// What the answer completes; `None` if nothing.
    pub(super) fn take(&mut self, answer: WatchResponse) -> Option<Batch> {
        let told = answer.header.map_or(0, |header| header.revision).unsigned_abs();
        if answer.events.is_empty() && self.held.is_empty() {
            // A progress notification: there is nothing for us up to here.
            let is_progress = told > 0 && !answer.created && !answer.canceled;
            return is_progress.then_some(Batch {
                revision: told,
                changes: Vec::new(),
            });
        }
        let mut changes = std::mem::take(&mut self.held);
        changes.extend(answer.events.into_iter().filter_map(|event| self.change(event)));
        let newest = changes.last().map(Change::revision)?;
        if answer.fragment {
            let complete = changes.partition_point(|change| change.revision() < newest);
            self.held = changes.split_off(complete);
        }
        // Not `told`: the store may be further than the events of this answer.
        let revision = changes.last().map(Change::revision)?;
        Some(Batch { revision, changes })
    }

    fn change(&self, event: Event) -> Option<Change> {
        let kind = event.r#type();
        let entry = event.kv?;
        let revision = entry.mod_revision.unsigned_abs();
        let deleted = kind == EventType::Delete;
        Some(match (self.keys.name(&entry.key), deleted) {
            (Ok(key), true) => Change::Delete { key, revision },
            (Ok(key), false) => Change::Put(Record {
                key,
                revision,
                updated_at: None,
                body: entry.value.into(),
            }),
            (Err(misplaced), true) => Change::Readable {
                place: misplaced.place,
                revision,
            },
            (Err(misplaced), false) => Change::Unreadable(Unreadable {
                place: misplaced.place,
                reason: misplaced.reason,
                revision,
            }),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::datasource::etcd::api::{KeyValue, ResponseHeader};
    use mcp_common::key::Revision;

    fn answer(told: i64, revisions: &[i64], fragment: bool) -> WatchResponse {
        let event = |revision: &i64| Event {
            kv: Some(KeyValue {
                key: b"/dynmcp/tds/a".to_vec(),
                mod_revision: *revision,
                ..KeyValue::default()
            }),
            ..Event::default()
        };
        WatchResponse {
            header: Some(ResponseHeader {
                revision: told,
                ..ResponseHeader::default()
            }),
            events: revisions.iter().map(event).collect(),
            fragment,
            ..WatchResponse::default()
        }
    }

    fn batches() -> Batches {
        Batches::new(Keyspace::new("/dynmcp/", "/dynmcp-history/").unwrap())
    }

    fn take(batches: &mut Batches, answer: WatchResponse) -> Option<(Revision, Vec<Revision>)> {
        let batch = batches.take(answer)?;
        Some((
            batch.revision,
            batch.changes.iter().map(Change::revision).collect(),
        ))
    }

    #[test]
    fn a_whole_answer_is_a_batch_up_to_its_last_event() {
        assert_eq!(
            take(&mut batches(), answer(99, &[4, 5, 5], false)),
            Some((5, vec![4, 5, 5]))
        );
    }

    #[test]
    fn fragments_never_split_a_revision() {
        let batches = &mut batches();
        assert_eq!(take(batches, answer(9, &[4, 5, 5], true)), Some((4, vec![4])));
        assert_eq!(take(batches, answer(9, &[5], true)), None);
        assert_eq!(
            take(batches, answer(9, &[5, 6], true)),
            Some((5, vec![5, 5, 5, 5]))
        );
        assert_eq!(take(batches, answer(9, &[6], false)), Some((6, vec![6, 6])));
        assert_eq!(take(batches, answer(9, &[7], true)), None);
        assert_eq!(
            take(batches, answer(9, &[], false)),
            Some((7, vec![7])),
            "an empty last fragment"
        );
    }

    #[test]
    fn progress_moves_on_without_changes() {
        assert_eq!(take(&mut batches(), answer(12, &[], false)), Some((12, vec![])));
        let created = WatchResponse {
            created: true,
            ..answer(12, &[], false)
        };
        assert_eq!(
            take(&mut batches(), created),
            None,
            "nothing is known up to here yet"
        );
    }
}
