//! Follows the prefix from a revision on.

use super::{
    Etcd,
    api::{RangeRequest, WatchCreateRequest, WatchResponse},
    batches::Batches,
    client::Client,
    cluster::{Fault, Purpose},
    lineage::Origin,
    load::after,
    trouble::Trouble,
    words::Words,
};
use futures_util::{StreamExt, stream};
use mcp_common::{
    datasource::{Batch, Changes, SourceError},
    key::Revision,
};
use tonic::Streaming;

impl Etcd {
    pub(super) async fn follow(&self, from: Revision) -> Result<Changes, SourceError> {
        let lost = || SourceError::HistoryLost { from };
        let start = i64::try_from(from)
            .ok()
            .and_then(|from| from.checked_add(1))
            .ok_or_else(lost)?;
        let open = |client| self.open_watch(client, start);
        let (answers, endpoint) = match self.cluster.ask_by_name(Purpose::Read, open).await {
            Ok((Some(answers), endpoint)) => (answers, endpoint.to_owned()),
            Ok((None, _)) => return Err(lost()),
            Err(fault) if fault.trouble == Trouble::Compacted => return Err(lost()),
            Err(fault) => return Err(self.error(fault)),
        };
        let follower = Follower {
            words: self.words.clone(),
            endpoint,
            answers,
            batches: Batches::new(self.keys.clone()),
            seen: from,
        };
        let changes = stream::try_unfold(follower, |mut follower| async move {
            let batch = follower.next().await?;
            Ok(Some((batch, follower)))
        });
        Ok(changes.boxed())
    }

    /// `None` where the store is not the one that `start` was counted in.
    async fn open_watch(&self, client: Client, start: i64) -> Result<Option<Answers>, Trouble> {
        // Asked of the whole cluster: this member alone may be behind. A stale login shows here too; the watch itself
        // would only say "permission denied".
        let probe = client.range(RangeRequest {
            key: self.keys.prefix().into(),
            ..RangeRequest::default()
        });
        let header = probe.await?.header;
        let header = header.as_ref();
        let continues = header.is_none_or(|header| self.lineage.continues(Origin::from(header)));
        let newest = header.map_or(0, |header| header.revision);
        if !continues || newest.checked_add(1).is_none_or(|next| next < start) {
            return Ok(None);
        }
        let watch = client.watch(WatchCreateRequest {
            key: self.keys.prefix().into(),
            range_end: after(self.keys.prefix()),
            start_revision: start,
            progress_notify: true,
            fragment: true,
        });
        let mut answers = watch.await?;
        let ended = || Trouble::Unreachable {
            maybe_done: false,
            reason: "the watch ended at once".to_owned(),
        };
        let created = answers.message().await?.ok_or_else(ended)?;
        if created.canceled {
            return Err(cancelled(&created));
        }
        Ok(Some(answers))
    }
}

type Answers = Streaming<WatchResponse>;

struct Follower {
    words: Words,
    endpoint: String,
    answers: Answers,
    batches: Batches,
    seen: Revision,
}

impl Follower {
    async fn next(&mut self) -> Result<Batch, SourceError> {
        loop {
            let answer = self.answers.message().await;
            let answer = answer.map_err(|error| self.failed(error.into()))?;
            let answer = answer.ok_or_else(|| self.failed(Trouble::Passing("the watch ended".to_owned())))?;
            if answer.canceled {
                return Err(self.failed(cancelled(&answer)));
            }
            // A progress notification may repeat what is known.
            if let Some(batch) = self
                .batches
                .take(answer)
                .filter(|batch| batch.revision > self.seen)
            {
                self.seen = batch.revision;
                return Ok(batch);
            }
        }
    }

    fn failed(&self, trouble: Trouble) -> SourceError {
        if trouble == Trouble::Compacted {
            return SourceError::HistoryLost { from: self.seen };
        }
        let endpoint = self.endpoint.clone();
        self.words.error(Fault { endpoint, trouble })
    }
}

fn cancelled(answer: &WatchResponse) -> Trouble {
    if answer.compact_revision > 0 {
        return Trouble::Compacted;
    }
    Trouble::cancelled(&answer.cancel_reason)
}
