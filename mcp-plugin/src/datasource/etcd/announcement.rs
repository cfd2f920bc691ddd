//! A gateway that says itself that it is there: a key with a lease, which the discovery `etcd` reads, here or elsewhere.

use super::{
    api::{LeaseGrantRequest, PutRequest, RangeRequest},
    client::Client,
    cluster::{Cluster, Fault, Purpose},
    settings::EtcdSettings,
    tls,
    words::Words,
};
use mcp_common::{
    datasource::SourceError,
    plugin::{PluginError, Settings},
};
use std::{
    sync::atomic::{AtomicI64, Ordering},
    time::Duration,
};

/// One key, and what is said there.
pub struct EtcdAnnouncement {
    cluster: Cluster,
    words: Words,
    key: String,
    value: String,
    ttl: Duration,
    /// The lease that the key goes with; 0 for none.
    lease: AtomicI64,
}

impl EtcdAnnouncement {
    /// What is wrong with the settings of the connection, which stand at this place of the configuration.
    pub fn check(place: &str, connection: &Settings) -> Result<(), PluginError> {
        EtcdSettings::read_at(place, connection).map(drop)
    }

    /// Reaches for nothing.
    pub fn new(
        connection: &Settings,
        key: String,
        value: String,
        ttl: Duration,
    ) -> Result<Self, PluginError> {
        let settings = EtcdSettings::read_at("register", connection)?;
        Ok(Self {
            cluster: Cluster::new(&settings)?,
            words: Words {
                certificate: settings.tls.as_ref().is_some_and(tls::Files::has_identity),
                user: settings.login.as_ref().map(|(name, _)| name.clone()),
                keys: settings.keys,
            },
            key,
            value,
            ttl,
            lease: AtomicI64::new(0),
        })
    }

    /// Writes the key with a new lease, whatever it was before. The error is one line.
    pub async fn announce(&self) -> Result<(), String> {
        let request = &LeaseGrantRequest {
            ttl: i64::try_from(self.ttl.as_secs()).unwrap_or(i64::MAX).max(1),
            ..LeaseGrantRequest::default()
        };
        let grant = |client: Client| async move { Ok(client.grant(request.clone()).await?) };
        let granted = self.cluster.ask(Purpose::Write, grant).await;
        let lease = granted.map_err(|fault| self.error(fault))?.id;
        self.lease.store(lease, Ordering::Relaxed);
        self.put(lease).await
    }

    /// Keeps the lease alive; `false` where it has ended, or the key is gone, and it has to be announced again.
    pub async fn renew(&self) -> Result<bool, String> {
        let lease = self.lease.load(Ordering::Relaxed);
        let renew = |client: Client| async move { Ok(client.keep_alive(lease).await?) };
        let left = self.cluster.ask(Purpose::Read, renew).await;
        if left.map_err(|fault| self.error(fault))? <= 0 {
            return Ok(false);
        }
        let request = &RangeRequest {
            key: self.key.as_str().into(),
            keys_only: true,
            ..RangeRequest::default()
        };
        let get = |client: Client| async move { Ok(client.range(request.clone()).await?) };
        let found = self.cluster.ask(Purpose::Read, get).await;
        Ok(!found.map_err(|fault| self.error(fault))?.kvs.is_empty())
    }

    /// Ends the lease, and with it the key.
    pub async fn withdraw(&self) -> Result<(), String> {
        let lease = self.lease.swap(0, Ordering::Relaxed);
        if lease == 0 {
            return Ok(());
        }
        let revoke = |client: Client| async move { Ok(client.revoke(lease).await?) };
        // Twice is as good as once.
        let revoked = self.cluster.ask(Purpose::Read, revoke).await;
        revoked.map(drop).map_err(|fault| self.error(fault))
    }

    async fn put(&self, lease: i64) -> Result<(), String> {
        let request = &PutRequest {
            key: self.key.as_str().into(),
            value: self.value.as_str().into(),
            lease,
        };
        let put = |client: Client| async move { Ok(client.put(request.clone()).await?) };
        let put = self.cluster.ask(Purpose::Write, put).await;
        put.map(drop).map_err(|fault| self.error(fault))
    }

    /// What is wrong, without a word of data sources: this is none.
    fn error(&self, fault: Fault) -> String {
        match self.words.error(fault) {
            SourceError::Unavailable(reason) | SourceError::Full(reason) | SourceError::Broken(reason) => {
                reason
            }
            other => other.to_string(),
        }
    }
}
