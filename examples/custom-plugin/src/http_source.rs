//! `http`: definitions come from a service of one's own, over plain HTTP.
//!
//! One address answers with all definitions and is asked again and again, with the `ETag` of its last answer: a 304 is
//! all that a quiet service sends. What it has to answer is written down in this crate's README.

mod changes;
mod endpoint;
mod follow;
mod listing;
mod past;
mod settings;
mod trouble;
mod write;

use async_trait::async_trait;
use bytes::Bytes;
use endpoint::{Endpoint, Polled};
use follow::{Place, Position};
use listing::Listing;
use mcp_common::{
    datasource::{Changes, DataSource, HistoryEntry, Load, SourceError, Write},
    key::{Key, Revision},
    plugin::{DataSourceFactory, PluginError, Settings},
};
use settings::HttpSettings;
use std::sync::Arc;

/// Definitions at an address.
pub struct HttpSource {
    endpoint: Arc<Endpoint>,
    position: Arc<Position>,
}

impl HttpSource {
    /// Asks once, so that a wrong address or token ends the start and not the first request.
    pub async fn open(settings: &Settings) -> Result<Self, PluginError> {
        let settings = HttpSettings::read(settings)?;
        let position = Arc::new(Position::new(settings.poll));
        let endpoint = Arc::new(Endpoint::new(settings)?);
        match endpoint.knock().await {
            Ok(()) => Ok(Self { endpoint, position }),
            // The gateway starts all the same and tries on.
            Err(SourceError::Unavailable(reason)) => Err(PluginError::Unavailable(reason)),
            Err(error) => Err(PluginError::Start(error.to_string())),
        }
    }
}

#[async_trait]
impl DataSource for HttpSource {
    async fn load(&self) -> Result<Load, SourceError> {
        let Polled::New { etag, body } = self.endpoint.poll(None).await? else {
            return Err(self.endpoint.odd("answered 304 to a request without an ETag"));
        };
        let listing = Listing::parse(&body).map_err(|reason| self.endpoint.odd(&reason))?;
        self.position.remember(Place::of(&listing, etag));
        Ok(Load {
            revision: listing.revision,
            records: listing.records,
            unreadable: listing.unreadable,
        })
    }

    async fn watch(&self, from: Revision) -> Result<Changes, SourceError> {
        follow::follow(self.endpoint.clone(), self.position.clone(), from).await
    }

    async fn put(&self, write: Write<'_>, body: Bytes) -> Result<Revision, SourceError> {
        let revision = write::put(&self.endpoint, &write, body).await?;
        self.position.written(revision);
        Ok(revision)
    }

    async fn delete(&self, write: Write<'_>) -> Result<Option<Revision>, SourceError> {
        let revision = write::delete(&self.endpoint, &write).await?;
        if let Some(revision) = revision {
            self.position.written(revision);
        }
        Ok(revision)
    }

    async fn history(&self, key: &Key, limit: usize) -> Result<Vec<HistoryEntry>, SourceError> {
        past::history(&self.endpoint, key, limit).await
    }
}

/// Opens `http` with the table `data_source.http`.
#[derive(Default)]
pub struct HttpSourceFactory;

#[mcp_common::datasource("http")]
#[async_trait]
impl DataSourceFactory for HttpSourceFactory {
    async fn open(&self, settings: &Settings) -> Result<Arc<dyn DataSource>, PluginError> {
        Ok(Arc::new(HttpSource::open(settings).await?))
    }
}
