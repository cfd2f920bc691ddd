//! The gateway's own writes: look, then write if nobody wrote meanwhile, with the history in the same transaction.

use super::{
    Etcd,
    cluster::{Fault, Purpose},
    history::{APART, Stored, entry},
    look::Seen,
    trouble::Trouble,
};
use bytes::Bytes;
use etcd_client::{Compare, CompareOp, Txn, TxnOp};
use mcp_common::{
    datasource::{Expected, SourceError, Write},
    key::Revision,
};

/// What a request holds beside the document, with room for a long key and principal.
const ENVELOPE: usize = 4_096;

/// How often other writers may come first.
const ATTEMPTS: u32 = 100;

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
            Stopped::Fault(fault) => match fault.trouble {
                Trouble::Unreachable {
                    maybe_done: true,
                    ref reason,
                } => SourceError::Unavailable(format!(
                    "etcd at {}: {reason}; whether the write was stored is not known, so look before trying again",
                    fault.endpoint
                )),
                _ => self.error(fault),
            },
        }
    }

    /// The revision of the write; `None` where there was nothing to delete.
    async fn carry_out(
        &self,
        write: &Write<'_>,
        body: Option<&Bytes>,
        stored: Stored<'_>,
    ) -> Result<Option<Revision>, Stopped> {
        for _ in 0..ATTEMPTS {
            let seen = self.look(write.key).await?;
            let current = (seen.current > 0).then(|| seen.current.unsigned_abs());
            let holds = match write.expected {
                Expected::Any => true,
                Expected::Absent => current.is_none(),
                Expected::Revision(revision) => current == Some(revision),
            };
            if !holds {
                return Err(Stopped::Conflict(current));
            }
            if body.is_none() && current.is_none() {
                return Ok(None);
            }
            let apart = format!("{}{APART}", seen.next);
            let stands_apart = body.filter(|_| matches!(stored, Stored::Apart));
            if let Some(body) = stands_apart {
                let put = |mut client: etcd_client::Client| {
                    let (apart, body) = (apart.as_str(), body.to_vec());
                    async move { Ok(client.put(apart, body, None).await?) }
                };
                self.cluster.ask(Purpose::Write, put).await?;
            }
            let outcome = self.commit(write, body, stored, &seen).await;
            if stands_apart.is_some() && !matches!(outcome, Ok(Some(_))) {
                // Where this fails too, the next write of the key takes it away in time.
                let delete = |mut client: etcd_client::Client| {
                    let apart = apart.as_str();
                    async move { Ok(client.delete(apart, None).await?) }
                };
                let _ = self.cluster.ask(Purpose::Write, delete).await;
            }
            if let Some(revision) = outcome? {
                return Ok(Some(revision));
            }
        }
        Err(Stopped::Crowded)
    }

    /// `None` if somebody else wrote the key since it was looked at.
    async fn commit(
        &self,
        write: &Write<'_>,
        body: Option<&Bytes>,
        stored: Stored<'_>,
        seen: &Seen,
    ) -> Result<Option<Revision>, Fault> {
        let definition = &self.keys.definition(write.key);
        let past = &self.keys.past(write.key);
        let entry = entry(write.principal, stored);
        let about = &entry;
        let txn = |mut client: etcd_client::Client| {
            let mut steps = vec![
                match body {
                    Some(body) => TxnOp::put(definition.as_str(), body.to_vec(), None),
                    None => TxnOp::delete(definition.as_str(), None),
                },
                TxnOp::put(seen.next.as_str(), about.as_slice(), None),
            ];
            if let Some(kept) = &seen.oldest_kept {
                let older = etcd_client::DeleteOptions::new().with_range(kept.as_slice());
                steps.push(TxnOp::delete(past.as_str(), Some(older)));
            }
            let unchanged = Compare::mod_revision(definition.as_str(), CompareOp::Equal, seen.current);
            let txn = Txn::new().when([unchanged]).and_then(steps);
            async move {
                let answer = client.txn(txn).await?;
                let revision = answer.header().map_or(0, etcd_client::ResponseHeader::revision);
                Ok(answer.succeeded().then(|| revision.unsigned_abs()))
            }
        };
        match self.cluster.ask(Purpose::Write, txn).await {
            // The write that a server finds its quota used up by is carried out and refused in one.
            Err(fault) if matches!(fault.trouble, Trouble::Full(_)) => {
                match self.written(seen, &entry).await? {
                    Some(revision) => Ok(Some(revision)),
                    None => Err(fault),
                }
            }
            outcome => outcome,
        }
    }

    /// The revision at which the history got this entry, if it did.
    async fn written(&self, seen: &Seen, entry: &[u8]) -> Result<Option<Revision>, Fault> {
        let get =
            |mut client: etcd_client::Client| async move { Ok(client.get(seen.next.as_str(), None).await?) };
        let answer = self.cluster.ask(Purpose::Read, get).await?;
        let ours = answer.kvs().iter().find(|kept| kept.value() == entry);
        Ok(ours.map(|kept| kept.mod_revision().unsigned_abs()))
    }
}

/// Why a write was not carried out.
enum Stopped {
    Conflict(Option<Revision>),
    /// Others came first, again and again.
    Crowded,
    Fault(Fault),
}

impl From<Fault> for Stopped {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}
