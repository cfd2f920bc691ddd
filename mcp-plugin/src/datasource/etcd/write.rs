//! The gateway's own writes: look, then write if nobody wrote meanwhile, with the history in the same transaction.

use super::{
    Etcd,
    api::{Compare, DeleteRangeRequest, PutRequest, RangeRequest, TxnRequest},
    client::Client,
    cluster::{Fault, Purpose},
    history::{APART, Stored, entry},
    look::Seen,
    trouble::Trouble,
};
use bytes::Bytes;
use mcp_common::{
    datasource::{SourceError, Write},
    key::Revision,
};

/// What a request holds beside the document, with room for a long key and principal.
const ENVELOPE: usize = 4_096;

/// How often other writers may come first.
const ATTEMPTS: u32 = 100;

/// How many attempts may stay without an answer: the connection broke, the leader changed, the server was busy.
const UNANSWERED: usize = 3;

impl Etcd {
    pub(super) async fn store(&self, write: &Write<'_>, body: &Bytes) -> Result<Revision, SourceError> {
        let limit = self.max_request_bytes - ENVELOPE;
        let too_large = |limit| SourceError::TooLarge {
            size: body.len(),
            limit,
        };
        if body.len() > limit {
            return Err(too_large(limit));
        }
        let mut apart = body.len() > limit / 2;
        loop {
            let stored = if apart { Stored::Apart } else { Stored::Here(body) };
            match self.carry_out(write, Some(body), stored).await {
                // A server with a lower limit than we were told of.
                Err(Stopped::Fault(fault)) if matches!(fault.trouble, Trouble::TooLarge { .. }) => {
                    if apart {
                        return Err(too_large(limit.min(body.len().saturating_sub(1))));
                    }
                    apart = true;
                }
                Err(stopped) => return Err(self.stopped(stopped)),
                Ok(Some(revision)) => return Ok(revision),
                Ok(None) => return Err(SourceError::Conflict { current: None }),
            }
        }
    }

    pub(super) async fn remove(&self, write: &Write<'_>) -> Result<Option<Revision>, SourceError> {
        let removed = self.carry_out(write, None, Stored::Deleted).await;
        removed.map_err(|stopped| self.stopped(stopped))
    }

    fn stopped(&self, stopped: Stopped) -> SourceError {
        match stopped {
            Stopped::Conflict(current) => SourceError::Conflict { current },
            Stopped::Crowded => {
                SourceError::Unavailable("others write this key all the time; try again".to_owned())
            }
            Stopped::InDoubt(fault) => match self.error(fault) {
                SourceError::Unavailable(reason) => SourceError::InDoubt(reason),
                other => other,
            },
            Stopped::Fault(fault) => self.error(fault),
        }
    }

    /// The revision of the write; `None` where there was nothing to delete.
    async fn carry_out(
        &self,
        write: &Write<'_>,
        body: Option<&Bytes>,
        stored: Stored<'_>,
    ) -> Result<Option<Revision>, Stopped> {
        let entry = &entry(write.principal, stored);
        // Attempts without an answer. None can be carried out after another one was: each expects the key as it was.
        let mut unanswered: Vec<(Seen, Fault)> = Vec::new();
        for _ in 0..ATTEMPTS {
            let looked = self.look_again(write, &unanswered, entry).await;
            let seen = match looked {
                Ok(Looked::Stored(revision)) => return Ok(Some(revision)),
                Ok(Looked::Seen(seen)) => seen,
                Err(fault) => return Err(in_doubt(unanswered, fault)),
            };
            let current = (seen.current > 0).then(|| seen.current.unsigned_abs());
            if write.expected.met_by(current).is_err() {
                return Err(Stopped::Conflict(current));
            }
            if body.is_none() && current.is_none() {
                return Ok(None);
            }
            let apart = format!("{}{APART}", seen.next);
            let stands_apart = body.filter(|_| matches!(stored, Stored::Apart));
            if let Some(body) = stands_apart {
                let put = |client: Client| {
                    let put = put(apart.as_str(), body.to_vec());
                    async move { Ok(client.put(put).await?) }
                };
                // Twice the same does no harm.
                if let Err(fault) = self.cluster.ask(Purpose::Read, put).await {
                    return Err(in_doubt(unanswered, fault));
                }
            }
            let outcome = self.commit(write, body, &seen, entry).await;
            let fault = match outcome {
                Ok(Some(revision)) => return Ok(Some(revision)),
                Ok(None) => None,
                Err(fault) if fault.trouble.is_maybe_done() => {
                    unanswered.push((seen, fault.clone()));
                    if unanswered.len() < UNANSWERED {
                        continue;
                    }
                    return Err(Stopped::InDoubt(fault));
                }
                Err(fault) => Some(fault),
            };
            if stands_apart.is_some() {
                // Where this fails too, the next write of the key takes it away in time.
                let delete = |client: Client| {
                    let delete = delete(apart.as_str(), None);
                    async move { Ok(client.delete(delete).await?) }
                };
                let _ = self.cluster.ask(Purpose::Write, delete).await;
            }
            if let Some(fault) = fault {
                return Err(in_doubt(unanswered, fault));
            }
        }
        Err(Stopped::Crowded)
    }

    /// The key as it is now, unless one of the attempts without an answer was carried out.
    async fn look_again(
        &self,
        write: &Write<'_>,
        unanswered: &[(Seen, Fault)],
        entry: &[u8],
    ) -> Result<Looked, Fault> {
        let seen = self.look(write.key).await?;
        // After the look: an attempt that it may show is found here.
        for (earlier, _) in unanswered {
            if let Some(revision) = self.written(earlier, entry).await? {
                return Ok(Looked::Stored(revision));
            }
        }
        Ok(Looked::Seen(seen))
    }

    /// `None` if somebody else wrote the key since it was looked at.
    async fn commit(
        &self,
        write: &Write<'_>,
        body: Option<&Bytes>,
        seen: &Seen,
        entry: &[u8],
    ) -> Result<Option<Revision>, Fault> {
        let definition = &self.keys.definition(write.key);
        let past = &self.keys.past(write.key);
        let txn = |client: Client| {
            let mut steps = vec![
                match body {
                    Some(body) => put(definition, body.to_vec()).into(),
                    None => delete(definition, None).into(),
                },
                put(&seen.next, entry.to_vec()).into(),
            ];
            if let Some(kept) = &seen.oldest_kept {
                steps.push(delete(past, Some(kept)).into());
            }
            let txn = TxnRequest {
                compare: vec![Compare::written_at(definition.as_str(), seen.current)],
                success: steps,
                ..TxnRequest::default()
            };
            async move {
                let answer = client.txn(txn).await?;
                let revision = answer.header.map_or(0, |header| header.revision);
                Ok(answer.succeeded.then(|| revision.unsigned_abs()))
            }
        };
        match self.cluster.ask(Purpose::Write, txn).await {
            // The write that a server finds its quota used up by is carried out and refused in one.
            Err(fault) if matches!(fault.trouble, Trouble::Full(_)) => {
                match self.written(seen, entry).await? {
                    Some(revision) => Ok(Some(revision)),
                    None => Err(fault),
                }
            }
            outcome => outcome,
        }
    }

    /// The revision at which the history got this entry, if it did.
    async fn written(&self, seen: &Seen, entry: &[u8]) -> Result<Option<Revision>, Fault> {
        let get = |client: Client| {
            let written = RangeRequest {
                key: seen.next.as_str().into(),
                ..RangeRequest::default()
            };
            async move { Ok(client.range(written).await?) }
        };
        let answer = self.cluster.ask(Purpose::Read, get).await?;
        let ours = answer.kvs.iter().find(|kept| kept.value == entry);
        Ok(ours.map(|kept| kept.mod_revision.unsigned_abs()))
    }
}

fn put(key: &str, value: Vec<u8>) -> PutRequest {
    PutRequest {
        key: key.into(),
        value,
        ..PutRequest::default()
    }
}

/// Deletes the key, or all keys from it up to `end`.
fn delete(key: &str, end: Option<&[u8]>) -> DeleteRangeRequest {
    DeleteRangeRequest {
        key: key.into(),
        range_end: end.unwrap_or_default().into(),
    }
}

enum Looked {
    /// An earlier attempt was carried out.
    Stored(Revision),
    Seen(Seen),
}

/// Why a write was not carried out.
enum Stopped {
    Conflict(Option<Revision>),
    /// Others came first, again and again.
    Crowded,
    /// Nothing was carried out.
    Fault(Fault),
    /// Nobody says whether it was.
    InDoubt(Fault),
}

/// `fault` stopped the write; where an earlier attempt may have been carried out, that is what has to be said.
fn in_doubt(mut unanswered: Vec<(Seen, Fault)>, fault: Fault) -> Stopped {
    match unanswered.pop() {
        Some((_, earlier)) => Stopped::InDoubt(earlier),
        None => Stopped::Fault(fault),
    }
}

impl From<Fault> for Stopped {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}
