//! Connections: what the URL says, and what every session sets.

use super::{TABLE, error};
use crate::datasource::change_log::{Place, tls, url};
use mcp_common::{
    plugin::PluginError,
    secret::{ExposeSecret, Secret},
};
use sqlx::{
    ConnectOptions, Executor, PgConnection, PgPool,
    postgres::{PgConnectOptions, PgPoolOptions, PgSslMode},
};
use std::time::Duration;

const PARAMETERS: [&str; 17] = [
    "sslmode",
    "ssl-mode",
    "sslrootcert",
    "ssl-root-cert",
    "ssl-ca",
    "sslcert",
    "ssl-cert",
    "sslkey",
    "ssl-key",
    "host",
    "hostaddr",
    "port",
    "dbname",
    "user",
    "password",
    "application_name",
    "options",
];

const TLS: tls::Names = tls::Names {
    mode: "sslmode",
    verified: "verify-full",
    authority: &["sslrootcert", "ssl-root-cert", "ssl-ca"],
    certificate: &["sslcert", "ssl-cert"],
    key: &["sslkey", "ssl-key"],
};

/// How long to wait for a connection.
const CONNECT: Duration = Duration::from_secs(5);

/// No endless wait behind a forgotten COMMIT, and no endless lock should this process be stopped in a transaction.
const SESSION: &str = "SET lock_timeout = '5s'; SET idle_in_transaction_session_timeout = '60s'; \
    SET client_encoding = 'UTF8'";

pub(super) fn options(url: &Secret) -> Result<(PgConnectOptions, Place), PluginError> {
    let wrong = |reason| PluginError::Setting {
        key: format!("{TABLE}.url"),
        reason,
    };
    let text = url.expose_secret();
    url::check(text, &["postgres", "postgresql"], &PARAMETERS).map_err(wrong)?;
    let options: PgConnectOptions = text
        .parse()
        .map_err(|error: sqlx::Error| wrong(url::driver_reason(&error)))?;
    let verifies = matches!(
        options.get_ssl_mode(),
        PgSslMode::VerifyCa | PgSslMode::VerifyFull
    );
    TLS.check(text, verifies).map_err(wrong)?;
    let server = match options.get_socket() {
        Some(socket) => socket.display().to_string(),
        None => format!("{}:{}", options.get_host(), options.get_port()),
    };
    let user = options.get_username().to_owned();
    let place = Place {
        table: TABLE,
        server,
        database: options.get_database().unwrap_or(&user).to_owned(),
        user,
        tls: &TLS,
        meaning: error::meaning,
        grant: error::grant,
    };
    let options = match options.get_application_name() {
        Some(_) => options,
        None => options.application_name("dynmcp"),
    };
    Ok((options.disable_statement_logging(), place))
}

pub(super) fn pool(options: &PgConnectOptions, connections: u32) -> PgPool {
    PgPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(CONNECT)
        .after_connect(|connection, _| Box::pin(begin_session(connection)))
        .connect_lazy_with(options.clone())
}

/// A connection that is kept.
pub(super) fn pool_of_one(options: &PgConnectOptions) -> PgPool {
    PgPoolOptions::new()
        .max_connections(1)
        .max_lifetime(None)
        .idle_timeout(None)
        .acquire_timeout(CONNECT)
        .after_connect(|connection, _| Box::pin(begin_session(connection)))
        .connect_lazy_with(options.clone())
}

/// A connection of one's own.
pub(super) async fn connect(options: &PgConnectOptions) -> Result<PgConnection, sqlx::Error> {
    let connecting = async {
        let mut connection = options.connect().await?;
        begin_session(&mut connection).await?;
        Ok(connection)
    };
    tokio::time::timeout(CONNECT, connecting)
        .await
        .unwrap_or(Err(sqlx::Error::PoolTimedOut))
}

async fn begin_session(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    connection.execute(sqlx::raw_sql(SESSION)).await.map(|_| ())
}
