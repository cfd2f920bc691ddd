//! The data source over a change log on a server, whichever server it is.

use super::{
    Fault, Lease, Migrations, Place, Server,
    dialect::{Dialect, OptionsOf},
    follow,
    leases::{POLL, Written, missing},
    prepare, read, read_settings,
    write::{text, transact},
};
use async_trait::async_trait;
use bytes::Bytes;
use mcp_common::{
    datasource::{Changes, DataSource, HistoryEntry, LeaseSet, Leases, Load, SourceError, Write},
    key::{Key, Revision},
    migration::{Migrate, Migration},
    plugin::{PluginError, Settings},
};
use sqlx::Pool;
use std::time::Duration;
use tokio::sync::{Mutex, OnceCell, watch as signal};

pub(crate) struct ChangeLogSource<D: Dialect> {
    place: Place,
    options: OptionsOf<D>,
    pool: Pool<D::Database>,
    poll: Duration,
    history: u32,
    migrations: Migrations,
    /// The table of entries that end is there.
    leasing: OnceCell<()>,
    /// How large a document may be, once the server was asked.
    largest: OnceCell<usize>,
    /// Writers of this process queue here instead of on the server.
    turn: Mutex<()>,
    /// Tells this process' watchers at once.
    written: signal::Sender<Revision>,
}

impl<D: Dialect> ChangeLogSource<D> {
    /// The table `data_source.<name>`.
    pub(crate) fn settings(settings: &Settings) -> Result<Server, PluginError> {
        read_settings(D::TABLE, D::URL, D::POLL_MS, settings)
    }

    /// What is wrong with the table, as far as that is known without a connection.
    pub(crate) fn check(settings: &Settings) -> Vec<PluginError> {
        let read = Self::settings(settings).and_then(|server| D::options(&server).map(drop));
        read.err().into_iter().collect()
    }

    /// Brings the schema up to date, whatever `server.migrate` says, or says what that would mean.
    pub(crate) async fn migrate(server: &Server, migrate: Migrate) -> Result<Migration, PluginError> {
        let (options, place) = D::options(server)?;
        let migrated = prepare::migrate::<D>(&options, place.patience, migrate).await;
        let migrated = migrated.map_err(|fault| place.command_error(&fault))?;
        Ok(migrated.report(place.to_string(), D::VERSION))
    }

    /// Connects and brings the schema up to date. A server that cannot be reached is no error yet: each use tries again.
    pub(crate) async fn open(server: Server) -> Result<Self, PluginError> {
        let (options, place) = D::options(&server)?;
        let source = Self {
            pool: D::pool(&options, place.patience, server.pool),
            options,
            place,
            poll: server.poll,
            history: server.history,
            migrations: server.migrate,
            leasing: OnceCell::new(),
            largest: OnceCell::new(),
            turn: Mutex::new(()),
            written: signal::Sender::new(0),
        };
        match source.prepare().await {
            Ok(_) => {}
            Err(fault) if source.place.passes(&fault) => {
                tracing::warn!("{}; trying again", source.place.start_error(&fault));
            }
            Err(fault) => return Err(source.place.start_error(&fault)),
        }
        Ok(source)
    }

    async fn prepare(&self) -> Result<usize, Fault> {
        let prepare =
            || prepare::prepare::<D>(&self.options, self.place.patience, self.migrations, self.history);
        self.largest.get_or_try_init(prepare).await.copied()
    }

    async fn ready(&self) -> Result<usize, SourceError> {
        self.prepare()
            .await
            .map_err(|fault| self.place.source_error(fault))
    }

    /// A connection to a database that has the table of entries that end.
    async fn leasing(&self) -> Result<Lease<D::Database>, SourceError> {
        self.ready().await?;
        let lease = Lease::of(&self.pool, self.place.patience).await;
        let mut lease = lease.map_err(|error| self.place.source_error(error))?;
        if self.leasing.initialized() {
            return Ok(lease);
        }
        // An account may write a table that it could not make.
        if let Err(error) = self.place.ask(D::leases_mark(&mut lease)).await {
            match (self.migrations, error) {
                (Migrations::AtStart, SourceError::Broken(_)) => {
                    self.place.ask(D::make_leases(&mut lease)).await?;
                }
                (Migrations::Never, SourceError::Broken(reason)) => {
                    return Err(SourceError::Broken(missing(&reason)));
                }
                (_, error) => return Err(error),
            }
        }
        // Another one may have found out at the same time.
        let _ = self.leasing.set(());
        Ok(lease)
    }

    fn written(written: Written) -> Result<u64, SourceError> {
        match written {
            Written::Done(version) => Ok(version),
            Written::Conflict(current) => Err(SourceError::Conflict { current }),
        }
    }
}

#[async_trait]
impl<D: Dialect> Leases for ChangeLogSource<D> {
    async fn all(&self) -> Result<LeaseSet, SourceError> {
        let mut lease = self.leasing().await?;
        let all = self.place.ask(D::leases(&mut lease)).await?;
        lease.end();
        Ok(all)
    }

    async fn write(
        &self,
        name: &str,
        body: Bytes,
        expected: Option<u64>,
        lives: Duration,
    ) -> Result<u64, SourceError> {
        let body = String::from_utf8_lossy(&body);
        let mut lease = self.leasing().await?;
        let writing = D::write_lease(&mut lease, name, &body, expected, lives);
        let written = self.place.ask(writing).await?;
        lease.end();
        Self::written(written)
    }

    async fn remove(&self, name: &str, expected: u64) -> Result<(), SourceError> {
        let mut lease = self.leasing().await?;
        let removed = self
            .place
            .ask(D::remove_lease(&mut lease, name, expected))
            .await?;
        lease.end();
        Self::written(removed).map(drop)
    }

    async fn changed(&self, since: u64) -> Result<(), SourceError> {
        loop {
            tokio::time::sleep(POLL).await;
            let mut lease = self.leasing().await?;
            let mark = self.place.ask(D::leases_mark(&mut lease)).await?;
            lease.end();
            if mark.unsigned_abs() != since {
                return Ok(());
            }
        }
    }
}

#[async_trait]
impl<D: Dialect> DataSource for ChangeLogSource<D> {
    async fn load(&self) -> Result<Load, SourceError> {
        self.ready().await?;
        read::load::<D>(&self.pool, self.place.patience)
            .await
            .map_err(|error| self.place.source_error(error))
    }

    async fn watch(&self, from: Revision) -> Result<Changes, SourceError> {
        self.ready().await?;
        let log = D::log(&self.place, &self.options, self.poll, self.written.subscribe()).await?;
        follow::start(&self.place, log, from).await
    }

    async fn put(&self, write: Write<'_>, body: Bytes) -> Result<Revision, SourceError> {
        let writing = async {
            let largest = self.ready().await?;
            let _turn = self.turn.lock().await;
            let text = text(&self.place, &write, &body, largest)?;
            let write = &write;
            transact(&self.pool, &self.place, |mut lease| async move {
                let done = D::put(&mut lease, write, text).await;
                (lease, done)
            })
            .await
        };
        let revision = self.place.patience.writes(&self.place, writing).await?;
        self.written.send_replace(revision);
        Ok(revision)
    }

    async fn delete(&self, write: Write<'_>) -> Result<Option<Revision>, SourceError> {
        let writing = async {
            self.ready().await?;
            let _turn = self.turn.lock().await;
            let write = &write;
            transact(&self.pool, &self.place, |mut lease| async move {
                let done = D::delete(&mut lease, write).await;
                (lease, done)
            })
            .await
        };
        let revision = self.place.patience.writes(&self.place, writing).await?;
        if let Some(revision) = revision {
            self.written.send_replace(revision);
        }
        Ok(revision)
    }

    async fn history(&self, key: &Key, limit: usize) -> Result<Vec<HistoryEntry>, SourceError> {
        self.ready().await?;
        let history = read::history::<D>(&self.pool, key, limit, self.place.patience);
        self.place.ask(history).await
    }

    async fn disabled(&self) -> Result<u64, SourceError> {
        self.ready().await?;
        self.place
            .ask(read::disabled::<D>(&self.pool, self.place.patience))
            .await
    }

    fn leases(&self) -> Option<&dyn Leases> {
        Some(self)
    }
}
