//! Opens the file: directory, connection options, schema.

use super::{
    error::{self, Fault},
    leases, schema,
};
use crate::datasource::change_log::{Migrated, Migrations};
use mcp_common::{migration::Migrate, plugin::PluginError, private_file};
use sqlx::{
    ConnectOptions, Connection, SqliteConnection, SqlitePool,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use std::{
    fmt,
    path::PathBuf,
    time::{Duration, Instant},
};

/// How long to wait for another process' write.
pub(super) const BUSY: Duration = Duration::from_secs(5);

/// Loads, histories and one write at a time; each connection is a thread.
const CONNECTIONS: u32 = 4;

/// The file, for connections and for error texts.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) path: PathBuf,
}

impl Place {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path }
    }

    pub(super) fn options(&self) -> SqliteConnectOptions {
        SqliteConnectOptions::new()
            .filename(&self.path)
            .journal_mode(SqliteJournalMode::Wal)
            // A write that was answered must survive a power cut; NORMAL would only promise that the file stays sound.
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(BUSY)
            .foreign_keys(false)
            .disable_statement_logging()
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`", self.path.display())
    }
}

/// Connects and brings the schema up to date, making what is missing.
pub(super) async fn open(
    place: &Place,
    migrations: Migrations,
    history: u32,
) -> Result<SqlitePool, PluginError> {
    match migrations {
        Migrations::AtStart => make_directory(place)?,
        Migrations::Never => {
            // Entries that end are not needed to serve.
            let Migrated { found, .. } = migrate(place, Migrate::Check).await?;
            let wanted = schema::VERSION;
            if found != Some(wanted) {
                return Err(place.start_error(&Fault::Outdated { found, wanted }));
            }
        }
    }
    let mut attempts = Attempts::new(place);
    loop {
        match try_open(place, history).await {
            Ok(pool) => return Ok(pool),
            Err(fault) => attempts.again(fault).await?,
        }
    }
}

/// Brings the schema up to date, or says what that would mean.
pub(super) async fn migrate(place: &Place, migrate: Migrate) -> Result<Migrated, PluginError> {
    if migrate == Migrate::Apply {
        make_directory(place)?;
    }
    let mut attempts = Attempts::new(place);
    loop {
        let attempt = match migrate {
            Migrate::Apply => apply(place).await,
            Migrate::Check => pending(place).await,
        };
        match attempt {
            Ok(migrated) => return Ok(migrated),
            Err(fault) => attempts.again(fault).await?,
        }
    }
}

fn make_directory(place: &Place) -> Result<(), PluginError> {
    let Some(directory) = place.path.parent() else {
        return Ok(());
    };
    private_file::create_folder(directory).map_err(|error| place.bad_directory(directory, &error))
}

/// SQLite gives its own files beside it the rights of this one.
fn make_file(place: &Place) {
    // Where it cannot be made, opening it says why.
    let _ = private_file::create_if_missing(&place.path);
}

/// Two gateways that make the same file at once: the busy timeout does not cover the switch to WAL, nor a migration
/// that the other one finished first.
struct Attempts<'a> {
    place: &'a Place,
    deadline: Instant,
}

impl<'a> Attempts<'a> {
    fn new(place: &'a Place) -> Self {
        let deadline = Instant::now() + BUSY;
        Self { place, deadline }
    }

    /// Waits a little if the same again may succeed; the error otherwise.
    async fn again(&mut self, fault: Fault) -> Result<(), PluginError> {
        if !error::passes(&fault) || Instant::now() >= self.deadline {
            return Err(self.place.start_error(&fault));
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
        Ok(())
    }
}

async fn apply(place: &Place) -> Result<Migrated, Fault> {
    make_file(place);
    let mut connection = place.options().create_if_missing(true).connect().await?;
    let mut done = schema::apply(&mut connection).await?;
    done.and_leases(leases::has_table(&mut connection).await?);
    leases::make(&mut connection).await?;
    connection.close().await?;
    Ok(done)
}

/// What is to do; nothing is written.
async fn pending(place: &Place) -> Result<Migrated, Fault> {
    // SQLite would say that it cannot open it, whatever the reason.
    if matches!(place.path.try_exists(), Ok(false)) {
        return Ok(schema::nothing_there());
    }
    let options = SqliteConnectOptions::new().filename(&place.path);
    let options = options.read_only(true).busy_timeout(BUSY);
    let mut connection = options.disable_statement_logging().connect().await?;
    let mut pending = schema::pending(&mut connection).await?;
    pending.and_leases(leases::has_table(&mut connection).await?);
    connection.close().await?;
    Ok(pending)
}

/// SQLite rolls some transactions back by itself, those that met a full disk among them. The driver then believes for
/// ever that it is in one, and begins no other on that connection.
async fn is_out_of_transactions(connection: &mut SqliteConnection) -> Result<bool, sqlx::Error> {
    // What was dropped is rolled back before this is answered.
    connection.ping().await?;
    Ok(!connection.is_in_transaction())
}

async fn try_open(place: &Place, history: u32) -> Result<SqlitePool, Fault> {
    make_file(place);
    let pool = SqlitePoolOptions::new()
        .max_connections(CONNECTIONS)
        .acquire_timeout(BUSY)
        .test_before_acquire(false)
        .after_release(|connection, _| Box::pin(is_out_of_transactions(connection)))
        .connect_with(place.options().create_if_missing(true))
        .await?;
    let prepared = schema::prepare(&pool, history).await;
    if prepared.is_err() {
        pool.close().await;
    }
    prepared.map(|()| pool)
}
