//! `etcd`: definitions under `/dynmcp/tds/<id>` and `/dynmcp/ids/<id>`, shared by many gateways and written by anybody.
//!
//! etcd's revisions are the source's revisions: a record has its `mod_revision`, a load one revision for all of its
//! pages, and a watch goes on behind it. Gateways write with compare-and-swap, and in the same transaction they put
//! down who wrote, under a prefix of its own.

mod announcement;
mod api;
mod batches;
mod client;
mod cluster;
mod discovery;
mod endpoint;
mod history;
mod keyspace;
mod leases;
mod lineage;
mod load;
mod look;
mod settings;
mod tls;
mod trouble;
mod watch;
mod words;
mod write;

pub use announcement::EtcdAnnouncement;
pub use discovery::{EtcdDiscovery, OF_CONNECTION};
pub use settings::EtcdSettings;

use api::RangeRequest;
use async_trait::async_trait;
use bytes::Bytes;
use client::Client;
use cluster::{Cluster, Fault, Purpose};
use keyspace::Keyspace;
use leases::Granted;
use lineage::Lineage;
use mcp_common::{
    datasource::{Changes, DataSource, HistoryEntry, Leases, Load, SourceError, Write},
    key::{Key, Revision},
    plugin::{DataSourceFactory, PluginError, Settings},
};
use std::sync::Arc;
use words::Words;

/// Definitions in an etcd cluster.
pub struct Etcd {
    cluster: Cluster,
    keys: Keyspace,
    words: Words,
    lineage: Lineage,
    granted: Granted,
    /// How many revisions of a key are kept.
    history: usize,
    /// What the server takes in one request.
    max_request_bytes: usize,
}

impl Etcd {
    /// Checks the settings and whether the cluster lets us in. One that cannot be reached now is no error: the gateway
    /// may start without it.
    pub async fn open(settings: EtcdSettings) -> Result<Self, PluginError> {
        let etcd = Self {
            cluster: Cluster::new(&settings)?,
            words: Words {
                keys: settings.keys.clone(),
                certificate: settings.tls.as_ref().is_some_and(tls::Files::has_identity),
                user: settings.login.as_ref().map(|(name, _)| name.clone()),
            },
            keys: settings.keys,
            lineage: Lineage::default(),
            granted: Granted::default(),
            history: settings.history,
            max_request_bytes: settings.max_request_bytes,
        };
        match etcd.probe().await {
            Err(SourceError::Unavailable(reason)) => {
                let hint = etcd.words.hint(&reason);
                tracing::warn!(reason, hint, "etcd cannot be used yet; trying on");
                Ok(etcd)
            }
            // Trying again would not help.
            Err(error) => Err(PluginError::Setting {
                key: settings::TABLE.to_owned(),
                reason: error.to_string(),
            }),
            Ok(()) => Ok(etcd),
        }
    }

    async fn probe(&self) -> Result<(), SourceError> {
        let prefix = RangeRequest {
            key: self.keys.prefix().into(),
            ..RangeRequest::default()
        };
        let prefix = &prefix;
        let get = |client: Client| async move { Ok(client.range(prefix.clone()).await?) };
        let answer = self.cluster.ask(Purpose::Read, get).await;
        answer.map(|_| ()).map_err(|fault| self.error(fault))
    }

    fn error(&self, fault: Fault) -> SourceError {
        self.words.error(fault)
    }
}

#[async_trait]
impl DataSource for Etcd {
    async fn load(&self) -> Result<Load, SourceError> {
        self.load_all().await.map_err(|fault| self.error(fault))
    }

    async fn watch(&self, from: Revision) -> Result<Changes, SourceError> {
        self.follow(from).await
    }

    async fn put(&self, write: Write<'_>, body: Bytes) -> Result<Revision, SourceError> {
        self.store(&write, &body).await
    }

    async fn delete(&self, write: Write<'_>) -> Result<Option<Revision>, SourceError> {
        self.remove(&write).await
    }

    async fn history(&self, key: &Key, limit: usize) -> Result<Vec<HistoryEntry>, SourceError> {
        let limit = limit.min(self.history);
        self.past(key, limit).await.map_err(|fault| self.error(fault))
    }

    fn leases(&self) -> Option<&dyn Leases> {
        Some(self)
    }
}

/// Makes the data source `etcd` from the table `data_source.etcd`.
#[derive(Default)]
pub struct EtcdFactory;

#[mcp_common::datasource("etcd")]
#[async_trait]
impl DataSourceFactory for EtcdFactory {
    fn check(&self, settings: &Settings) -> Vec<PluginError> {
        EtcdSettings::read(settings).err().into_iter().collect()
    }

    async fn open(&self, settings: &Settings) -> Result<Arc<dyn DataSource>, PluginError> {
        Ok(Arc::new(Etcd::open(EtcdSettings::read(settings)?).await?))
    }
}
