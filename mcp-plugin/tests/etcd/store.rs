//! A server, and data sources on it.

use crate::servers::etcd::EtcdServer;
use futures_util::StreamExt;
use mcp_common::{
    datasource::{Batch, Changes, DataSource, Expected, SourceError, Write},
    key::{Key, Revision},
};
use mcp_plugin::datasource::etcd::{Etcd, EtcdSettings};
use serde_json::{Value, json};
use std::time::Duration;

/// With what a test wants otherwise.
pub(crate) fn settings(url: &str, others: &Value) -> EtcdSettings {
    let mut table = json!({ "endpoints": [url], "keepalive_ms": 1_000 });
    let members = table.as_object_mut().unwrap();
    members.extend(others.as_object().cloned().unwrap_or_default());
    EtcdSettings::read(&table).unwrap()
}

pub(crate) async fn open(url: &str) -> Etcd {
    open_with(url, &Value::Null).await
}

pub(crate) async fn open_with(url: &str, others: &Value) -> Etcd {
    Etcd::open(settings(url, others)).await.unwrap()
}

/// Why it does not open.
pub(crate) async fn refusal(url: &str, others: &Value) -> String {
    let error = match Etcd::open(settings(url, others)).await {
        Err(error) => error,
        Ok(etcd) => panic!("{url} was opened; a load says {:?}", etcd.load().await),
    };
    let error = error.to_string();
    assert!(!error.contains('\n'), "{error}");
    error
}

pub(crate) async fn put(source: &Etcd, key: &Key, body: &str) -> Result<Revision, SourceError> {
    let expected = Expected::Any;
    let write = Write {
        key,
        expected,
        principal: "anna",
    };
    source.put(write, body.to_owned().into()).await
}

/// The next batch that has changes.
pub(crate) async fn next(changes: &mut Changes) -> Result<Batch, SourceError> {
    let wait = async {
        loop {
            match changes.next().await.expect("the stream ended without an error") {
                Ok(batch) if batch.changes.is_empty() => {}
                other => return other,
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(30), wait)
        .await
        .expect("nothing came")
}

/// `etcdctl put`, or `None` without a server.
pub(crate) fn raw_put(server: &EtcdServer, key: &str, body: &str) {
    server.etcdctl(&["put", "--", key, body]);
}
