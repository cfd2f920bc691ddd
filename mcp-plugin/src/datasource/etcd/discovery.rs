//! The discovery `etcd`: servers that write themselves under `mcp:<name>` with a lease, and are gone with it. Nothing is written here.

use super::{
    api::{RangeRequest, WatchCreateRequest},
    client::Client,
    cluster::{Cluster, Purpose},
    load::after,
    settings::EtcdSettings,
    tls,
    words::Words,
};
use async_trait::async_trait;
use mcp_common::{
    datasource::SourceError,
    discovery::{Announced, Discovery, Habits, Look, NotSeen, Set, Surroundings, client_file, read},
    plugin::{DiscoveryFactory, PluginError, Settings, Table},
};
use serde_json::{Value, json};
use std::{future::pending, time::Duration};

/// Settings of the connection, which are read as the data source's.
pub const OF_CONNECTION: [&str; 9] = [
    "endpoints",
    "username",
    "password",
    "ca_file",
    "cert_file",
    "key_file",
    "server_name",
    "timeout_ms",
    "keepalive_ms",
];
/// What servers need that write themselves; a reader passes them over.
const OF_SERVERS: [&str; 2] = ["registry_ttl_seconds", "heartbeat_interval_seconds"];
/// Keys that are read at the most.
const MOST_KEYS: i64 = 100_000;

/// Makes `etcd` of a `[[discovery]]`.
#[derive(Default)]
pub struct EtcdDiscovery;

#[mcp_common::discovery("etcd")]
impl DiscoveryFactory for EtcdDiscovery {
    fn habits(&self) -> Habits {
        Habits {
            // Changes are told; this is for those that were missed.
            interval: Duration::from_secs(30),
            is_trusted: false,
            may_be_empty: true,
        }
    }

    fn check(&self, place: &str, settings: &Settings) -> Vec<PluginError> {
        Leases::read(place, settings, 0).err().into_iter().collect()
    }

    fn make(
        &self,
        place: &str,
        settings: &Settings,
        gateway: &Surroundings,
    ) -> Result<Box<dyn Discovery>, PluginError> {
        Ok(Box::new(Leases::read(place, settings, gateway.max_bytes)?))
    }
}

struct Leases {
    cluster: Cluster,
    words: Words,
    prefix: String,
    most_bytes: usize,
    /// What was there last: the keys, and the revisions of their values.
    last: Option<Vec<(Vec<u8>, i64)>>,
    /// The store's revision then.
    revision: i64,
}

impl Leases {
    fn read(place: &str, settings: &Settings, most_bytes: usize) -> Result<Self, PluginError> {
        let known = [&OF_CONNECTION[..], &OF_SERVERS, &["prefix"]].concat();
        let table = Table::new(place, settings, &known)?;
        let own = OF_CONNECTION
            .iter()
            .filter_map(|name| Some(((*name).to_owned(), table.get(name)?.clone())));
        let connection = EtcdSettings::read_at(place, &Value::Object(own.collect()))?;
        Ok(Self {
            cluster: Cluster::new(&connection)?,
            words: Words {
                certificate: connection.tls.as_ref().is_some_and(tls::Files::has_identity),
                user: connection.login.as_ref().map(|(name, _)| name.clone()),
                keys: connection.keys,
            },
            prefix: table.text("prefix")?.unwrap_or("mcp:").to_owned(),
            most_bytes,
            last: None,
            revision: 0,
        })
    }

    /// What one key says.
    fn announced(&self, key: &[u8], value: &[u8]) -> Announced {
        let key = String::from_utf8_lossy(key);
        let name = key.strip_prefix(&*self.prefix).unwrap_or(&key).trim_matches('/');
        // Under its id what was good of it before is known.
        let refused = |reason: String| Announced {
            id: client_file::id_of(name).unwrap_or_else(|| name.to_owned()),
            document: Err(reason),
        };
        let text = String::from_utf8_lossy(value);
        let is_url = text.starts_with("http://") || text.starts_with("https://");
        let mut entry = match serde_json::from_str::<Value>(&text) {
            _ if is_url => json!({"url": text.trim()}),
            Ok(Value::Object(members)) => Value::Object(members),
            Ok(_) => return refused("its value is neither an object nor a URL".to_owned()),
            Err(error) => return refused(format!("its value is no JSON: {error}")),
        };
        for other in ["endpoint", "address"] {
            if entry.get("url").is_none()
                && let Some(url) = entry.get(other).cloned()
            {
                entry["url"] = url;
            }
        }
        if entry.get("name").is_none() {
            entry["name"] = name.into();
        }
        match read(json!([entry]).to_string().as_bytes()) {
            Ok(mut set) => set
                .upstreams
                .pop()
                .unwrap_or_else(|| refused("says nothing".to_owned())),
            Err(reason) => refused(reason),
        }
    }
}

#[async_trait]
impl Discovery for Leases {
    async fn look(&mut self) -> Result<Look, NotSeen> {
        let all = RangeRequest {
            key: self.prefix.as_str().into(),
            range_end: after(&self.prefix),
            limit: MOST_KEYS,
            ..RangeRequest::default()
        };
        let all = &all;
        let get = |client: Client| async move { Ok(client.range(all.clone()).await?) };
        let answer = self.cluster.ask(Purpose::Page, get).await;
        let answer = answer.map_err(|fault| match self.words.error(fault) {
            SourceError::Broken(reason) => NotSeen::Broken(reason),
            other => NotSeen::Away(other.to_string()),
        })?;
        let bytes: usize = answer.kvs.iter().map(|entry| entry.value.len()).sum();
        if bytes > self.most_bytes {
            return Err(NotSeen::Broken(format!(
                "what is under `{}` has {bytes} bytes, at most {} are read (max_bytes)",
                self.prefix, self.most_bytes
            )));
        }
        self.revision = answer.header.as_ref().map_or(0, |header| header.revision);
        let seen: Vec<_> = answer
            .kvs
            .iter()
            .map(|entry| (entry.key.clone(), entry.mod_revision))
            .collect();
        if self.last.as_ref() == Some(&seen) {
            return Ok(Look::Same);
        }
        let upstreams = answer
            .kvs
            .iter()
            .map(|entry| self.announced(&entry.key, &entry.value));
        let set = Set {
            upstreams: upstreams.collect(),
            notes: Vec::new(),
        };
        self.last = Some(seen);
        Ok(Look::Set(set))
    }

    async fn changed(&mut self) {
        if self.last.is_none() {
            return pending().await;
        }
        let (prefix, from) = (&self.prefix, self.revision + 1);
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
        // What cannot be watched is looked at after the interval, and says then what is wrong.
        let Ok(mut answers) = self.cluster.ask(Purpose::Read, open).await else {
            return pending().await;
        };
        loop {
            match answers.message().await {
                Ok(Some(answer)) if !answer.events.is_empty() => return,
                Ok(Some(answer)) if !answer.canceled => {}
                // It was compacted, or broke: a moment later all is looked at.
                _ => {
                    tokio::time::sleep(Duration::from_secs(1)).await;
                    return;
                }
            }
        }
    }
}
