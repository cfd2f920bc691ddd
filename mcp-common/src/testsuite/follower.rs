//! A consumer as the catalog is one: load, then watch, and insist on the order.

use crate::{
    datasource::{Batch, Change, Changes, DataSource, SourceError, Unreadable},
    key::{Key, Revision},
};
use bytes::Bytes;
use futures_util::StreamExt;
use std::{collections::BTreeMap, time::Duration};

/// Generous: what is measured here is that a change comes at all.
const PATIENCE: Duration = Duration::from_secs(30);

/// Follows a source and knows its state; panics where the contract is broken.
pub struct Follower {
    changes: Changes,
    /// The revision up to which everything is known.
    pub revision: Revision,
    /// What is stored, and since which revision.
    pub state: BTreeMap<Key, (Revision, Bytes)>,
    /// What could not be a definition.
    pub unreadable: Vec<Unreadable>,
    /// The revisions of all changes seen, in the order of arrival.
    pub seen: Vec<Revision>,
}

impl Follower {
    /// Loads and watches from there.
    pub async fn start(source: &dyn DataSource) -> Self {
        let load = source.load().await.expect("load");
        let count = load.records.len();
        let records = load
            .records
            .into_iter()
            .map(|record| (record.key, (record.revision, record.body)));
        let state: BTreeMap<_, _> = records.collect();
        assert_eq!(state.len(), count, "a load has each key once");
        let newest = state
            .values()
            .map(|(revision, _)| *revision)
            .max()
            .unwrap_or_default();
        assert!(
            newest <= load.revision,
            "a load at {} contains revision {newest}",
            load.revision
        );
        let changes = source.watch(load.revision).await.expect("watch");
        let revision = load.revision;
        Self {
            changes,
            revision,
            state,
            unreadable: load.unreadable,
            seen: Vec::new(),
        }
    }

    /// Watches anew from what is known, like after a broken connection.
    pub async fn resume(mut self, source: &dyn DataSource) -> Self {
        self.changes = source.watch(self.revision).await.expect("watch");
        self
    }

    /// Waits until everything up to `revision` has come.
    pub async fn until(&mut self, revision: Revision) {
        self.until_that(
            |follower| follower.revision >= revision,
            &format!("revision {revision}"),
        )
        .await;
    }

    /// Waits for a state.
    pub async fn until_that(&mut self, holds: impl Fn(&Self) -> bool, what: &str) {
        let wait = async {
            while !holds(self) {
                self.step().await;
            }
        };
        let in_time = tokio::time::timeout(PATIENCE, wait).await.is_ok();
        assert!(
            in_time,
            "{what} did not come; known is revision {}, {:?}",
            self.revision, self.state
        );
    }

    /// What is stored under the key.
    pub fn body(&self, key: &Key) -> Option<&[u8]> {
        self.state.get(key).map(|(_, body)| &**body)
    }

    /// Waits like the gateway does: after an error it watches again, and loads again where changes were lost. Returns
    /// what stood in the way.
    pub async fn until_in_spite_of_errors(
        &mut self,
        source: &dyn DataSource,
        revision: Revision,
    ) -> Vec<SourceError> {
        let mut errors = Vec::new();
        let wait = async {
            while self.revision < revision {
                let error = match self.changes.next().await {
                    Some(Ok(batch)) => {
                        self.take(batch);
                        continue;
                    }
                    Some(Err(error)) => error,
                    None => panic!("the stream ended without an error"),
                };
                errors.push(error);
                self.go_on(source, &mut errors).await;
            }
        };
        let in_time = tokio::time::timeout(PATIENCE, wait).await.is_ok();
        assert!(
            in_time,
            "revision {revision} did not come; known is {}, after {errors:?}",
            self.revision
        );
        errors
    }

    async fn go_on(&mut self, source: &dyn DataSource, errors: &mut Vec<SourceError>) {
        loop {
            let next = match errors.last() {
                Some(SourceError::HistoryLost { .. }) => match source.load().await {
                    Ok(load) => {
                        self.revision = load.revision;
                        let records = load.records.into_iter();
                        self.state = records
                            .map(|record| (record.key, (record.revision, record.body)))
                            .collect();
                        source.watch(self.revision).await
                    }
                    Err(error) => Err(error),
                },
                _ => source.watch(self.revision).await,
            };
            match next {
                Ok(changes) => {
                    self.changes = changes;
                    return;
                }
                Err(error @ (SourceError::Unavailable(_) | SourceError::HistoryLost { .. })) => {
                    errors.push(error)
                }
                Err(error) => panic!("{error}"),
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    async fn step(&mut self) {
        let batch = self
            .changes
            .next()
            .await
            .expect("the stream ended")
            .expect("the stream failed");
        self.take(batch);
    }

    fn take(&mut self, batch: Batch) {
        let mut last = self.revision;
        for change in batch.changes {
            let revision = change.revision();
            match change {
                Change::Put(record) => {
                    self.state.insert(record.key, (record.revision, record.body));
                }
                Change::Delete { key, .. } => {
                    self.state.remove(&key);
                }
                Change::Unreadable(entry) => {
                    self.unreadable.retain(|known| known.place != entry.place);
                    self.unreadable.push(entry);
                }
                Change::Readable { place, .. } => {
                    self.unreadable.retain(|known| known.place != place);
                }
            }
            // Two changes of one transaction may share a revision.
            assert!(
                revision > self.revision && revision >= last,
                "revision {revision} came after {last}"
            );
            last = revision;
            self.seen.push(revision);
        }
        assert!(
            batch.revision >= last,
            "a batch of revision {} contains {last}",
            batch.revision
        );
        self.revision = batch.revision;
    }
}
