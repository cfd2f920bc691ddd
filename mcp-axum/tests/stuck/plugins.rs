//! Plugins that do what plugins must not do.

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http::HeaderMap;
use mcp_common::{
    authenticator::{Authenticator, Denied, Principal},
    datasource::{Changes, DataSource, HistoryEntry, Load, Record, SourceError, Write},
    key::{Key, Revision},
    plugin::{AuthenticatorFactory, DataSourceFactory, PluginError, Settings},
};
use std::{sync::Arc, thread, time::Duration};

/// Lets everybody in, after blocking the thread for as many seconds as the caller says.
struct Sleeper;

#[async_trait]
impl Authenticator for Sleeper {
    async fn authenticate(&self, headers: &HeaderMap) -> Result<Principal, Denied> {
        let seconds = |name| {
            let value = headers.get(name)?.to_str().ok()?;
            value.parse().ok().map(Duration::from_secs)
        };
        if let Some(time) = seconds("x-block") {
            thread::sleep(time);
        }
        if let Some(time) = seconds("x-block-beside") {
            drop(tokio::task::spawn_blocking(move || thread::sleep(time)));
        }
        Ok(Principal::anonymous())
    }

    fn open(&self) -> bool {
        true
    }
}

#[derive(Default)]
struct SleeperFactory;

#[mcp_common::authenticator("sleeper")]
#[async_trait]
impl AuthenticatorFactory for SleeperFactory {
    async fn make(&self, _settings: &Settings) -> Result<Arc<dyn Authenticator>, PluginError> {
        Ok(Arc::new(Sleeper))
    }
}

/// Has one instance, and never ends.
struct Endless;

#[async_trait]
impl DataSource for Endless {
    async fn load(&self) -> Result<Load, SourceError> {
        let instance = Record {
            key: Key::instance("i"),
            revision: 1,
            updated_at: None,
            body: Bytes::from_static(br#"{"name":"i","tool_ids":[]}"#),
        };
        Ok(Load {
            revision: 1,
            records: vec![instance],
            unreadable: Vec::new(),
        })
    }

    async fn watch(&self, _from: Revision) -> Result<Changes, SourceError> {
        Ok(stream::pending().boxed())
    }

    async fn put(&self, _write: Write<'_>, _body: Bytes) -> Result<Revision, SourceError> {
        Err(SourceError::ReadOnly("it has one instance".to_owned()))
    }

    async fn delete(&self, _write: Write<'_>) -> Result<Option<Revision>, SourceError> {
        Err(SourceError::ReadOnly("it has one instance".to_owned()))
    }

    async fn history(&self, _key: &Key, _limit: usize) -> Result<Vec<HistoryEntry>, SourceError> {
        Ok(Vec::new())
    }
}

impl Drop for Endless {
    fn drop(&mut self) {
        thread::sleep(Duration::from_secs(3600));
    }
}

#[derive(Default)]
struct EndlessFactory;

#[mcp_common::datasource("endless")]
#[async_trait]
impl DataSourceFactory for EndlessFactory {
    async fn open(&self, _settings: &Settings) -> Result<Arc<dyn DataSource>, PluginError> {
        Ok(Arc::new(Endless))
    }
}
