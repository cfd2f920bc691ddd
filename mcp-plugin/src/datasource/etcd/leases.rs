//! Entries that end: keys under a prefix of their own, each with a lease of etcd's.

use super::{
    Etcd,
    api::{
        Compare, DeleteRangeRequest, LeaseGrantRequest, PutRequest, RangeRequest, RequestOp, TxnRequest,
        WatchCreateRequest,
    },
    client::Client,
    cluster::{Fault, Purpose},
    load::{ATTEMPTS, after},
    trouble::Trouble,
};
use async_trait::async_trait;
use bytes::Bytes;
use mcp_common::datasource::{LeaseSet, Leased, Leases, SourceError};
use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// The leases that this process got. One holds for several writes, so that a store does not get one for each.
#[derive(Default)]
pub(super) struct Granted(Mutex<BTreeMap<String, Grant>>);

#[derive(Clone, Copy)]
struct Grant {
    id: i64,
    /// Until then it has as much time left as its entry needs.
    until: Instant,
}

impl Granted {
    fn find(&self, name: &str) -> Option<i64> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        known.retain(|_, grant| grant.until > now);
        known.get(name).map(|grant| grant.id)
    }

    fn keep(&self, name: &str, grant: Option<Grant>) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match grant {
            Some(grant) => known.insert(name.to_owned(), grant),
            None => known.remove(name),
        };
    }
}

impl Etcd {
    /// A lease that lasts as long at least.
    async fn lease(&self, name: &str, lives: Duration) -> Result<i64, SourceError> {
        if let Some(id) = self.granted.find(name) {
            return Ok(id);
        }
        // A half more than is needed, in which it holds for further writes.
        let spare = lives / 2;
        let request = LeaseGrantRequest {
            ttl: i64::try_from((lives + spare).as_secs())
                .unwrap_or(i64::MAX)
                .max(1),
            ..LeaseGrantRequest::default()
        };
        let now = Instant::now();
        let grant = |client: Client| {
            let request = request.clone();
            async move { Ok(client.grant(request).await?) }
        };
        let answer = self
            .cluster
            .ask(Purpose::Write, grant)
            .await
            .map_err(|fault| self.error(fault))?;
        let grant = Grant {
            id: answer.id,
            until: now + spare,
        };
        self.granted.keep(name, Some(grant));
        Ok(answer.id)
    }

    async fn all_once(&self) -> Result<LeaseSet, Fault> {
        let prefix = self.keys.leases_prefix();
        let mut entries = Vec::new();
        let header = self
            .each(&prefix, |entry| {
                let name = entry.key.strip_prefix(prefix.as_bytes());
                let name = name.and_then(|name| String::from_utf8(name.to_vec()).ok());
                entries.extend(name.map(|name| Leased {
                    name,
                    version: entry.mod_revision.unsigned_abs(),
                    body: entry.value.into(),
                }));
            })
            .await?;
        Ok(LeaseSet {
            entries,
            mark: header.map_or(0, |header| header.revision.unsigned_abs()),
        })
    }

    /// Carries out one step if the entry is of this version; else the version that it has.
    async fn step(
        &self,
        key: &str,
        expected: u64,
        step: RequestOp,
    ) -> Result<Result<u64, Option<u64>>, SourceError> {
        let expected = i64::try_from(expected).unwrap_or(i64::MAX);
        let request = &TxnRequest {
            compare: vec![Compare::written_at(key, expected)],
            success: vec![step],
            failure: vec![
                RangeRequest {
                    key: key.into(),
                    keys_only: true,
                    ..RangeRequest::default()
                }
                .into(),
            ],
        };
        let txn = |client: Client| async move { Ok(client.txn(request.clone()).await?) };
        let answer = self
            .cluster
            .ask(Purpose::Write, txn)
            .await
            .map_err(|fault| self.error(fault))?;
        if answer.succeeded {
            return Ok(Ok(answer
                .header
                .map_or(0, |header| header.revision.unsigned_abs())));
        }
        let found = answer.found().flatten().next();
        Ok(Err(found.map(|entry| entry.mod_revision.unsigned_abs())))
    }
}

#[async_trait]
impl Leases for Etcd {
    async fn all(&self) -> Result<LeaseSet, SourceError> {
        let mut attempt = 1;
        loop {
            match self.all_once().await {
                // The revision was compacted away in the middle.
                Err(fault) if fault.trouble == Trouble::Compacted && attempt < ATTEMPTS => attempt += 1,
                all => return all.map_err(|fault| self.error(fault)),
            }
        }
    }

    async fn write(
        &self,
        name: &str,
        body: Bytes,
        expected: Option<u64>,
        lives: Duration,
    ) -> Result<u64, SourceError> {
        let key = format!("{}{name}", self.keys.leases_prefix());
        let put = PutRequest {
            key: key.as_str().into(),
            value: body.into(),
            lease: self.lease(name, lives).await?,
        };
        match self.step(&key, expected.unwrap_or(0), put.into()).await {
            Ok(Ok(version)) => Ok(version),
            Ok(Err(current)) => Err(SourceError::Conflict { current }),
            Err(error) => {
                // The lease may be what is wrong: a store that was put back does not know it.
                self.granted.keep(name, None);
                Err(error)
            }
        }
    }

    async fn remove(&self, name: &str, expected: u64) -> Result<(), SourceError> {
        let key = format!("{}{name}", self.keys.leases_prefix());
        let delete = DeleteRangeRequest {
            key: key.as_str().into(),
            ..DeleteRangeRequest::default()
        };
        self.granted.keep(name, None);
        match self.step(&key, expected, delete.into()).await? {
            Ok(_) | Err(None) => Ok(()),
            Err(current) => Err(SourceError::Conflict { current }),
        }
    }

    async fn changed(&self, mark: u64) -> Result<(), SourceError> {
        let prefix = &self.keys.leases_prefix();
        let from = i64::try_from(mark).unwrap_or(i64::MAX - 1) + 1;
        let open = |client: Client| async move {
            let watch = WatchCreateRequest {
                key: prefix.as_str().into(),
                range_end: after(prefix),
                start_revision: from,
                progress_notify: true,
                fragment: true,
            };
            Ok(client.watch(watch).await?)
        };
        let answers = self.cluster.ask(Purpose::Read, open).await;
        let mut answers = answers.map_err(|fault| self.error(fault))?;
        loop {
            match answers.message().await {
                Ok(Some(answer)) if !answer.events.is_empty() => return Ok(()),
                Ok(Some(answer)) if !answer.canceled => {}
                // It was compacted, or broke: reading all of them tells.
                _ => return Err(SourceError::Unavailable("the watch of etcd ended".to_owned())),
            }
        }
    }
}
