//! Connections: what the URL says, and what every session sets.

use super::{TABLE, error};
use crate::datasource::change_log::{Place, tls, url};
use mcp_common::{
    plugin::PluginError,
    secret::{ExposeSecret, Secret},
};
use sqlx::{
    ConnectOptions, Executor, MySqlConnection, MySqlPool,
    mysql::{MySqlConnectOptions, MySqlPoolOptions, MySqlSslMode},
};
use std::time::Duration;

const PARAMETERS: [&str; 12] = [
    "ssl-mode",
    "sslmode",
    "ssl-ca",
    "sslca",
    "ssl-cert",
    "sslcert",
    "ssl-key",
    "sslkey",
    "socket",
    "charset",
    "collation",
    "statement-cache-capacity",
];

const TLS: tls::Names = tls::Names {
    mode: "ssl-mode",
    verified: "VERIFY_IDENTITY",
    authority: &["ssl-ca", "sslca"],
    certificate: &["ssl-cert", "sslcert"],
    key: &["ssl-key", "sslkey"],
};

/// How long to wait for a connection.
const CONNECT: Duration = Duration::from_secs(5);

/// Strict, so that nothing is cut off silently; transactions that see what is committed, and take no gap locks, which
/// would make writers of new keys wait for each other in a circle; and no minute-long wait behind a forgotten COMMIT.
const SESSION: &str = "SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION,NO_AUTO_VALUE_ON_ZERO', autocommit = 1, \
    innodb_lock_wait_timeout = 5; SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED";

pub(super) fn options(url: &Secret) -> Result<(MySqlConnectOptions, Place), PluginError> {
    let wrong = |reason| PluginError::Setting {
        key: format!("{TABLE}.url"),
        reason,
    };
    let text = url.expose_secret();
    url::check(text, &["mysql", "mariadb"], &PARAMETERS).map_err(wrong)?;
    let options: MySqlConnectOptions = text
        .parse()
        .map_err(|error: sqlx::Error| wrong(url::driver_reason(&error)))?;
    let verifies = matches!(
        options.get_ssl_mode(),
        MySqlSslMode::VerifyCa | MySqlSslMode::VerifyIdentity
    );
    TLS.check(text, verifies).map_err(wrong)?;
    let Some(database) = options.get_database().map(str::to_owned) else {
        return Err(wrong(
            "names no database; expected mysql://user:password@host:3306/database".to_owned(),
        ));
    };
    let server = match options.get_socket() {
        Some(socket) => socket.display().to_string(),
        None => format!("{}:{}", options.get_host(), options.get_port()),
    };
    let place = Place {
        table: TABLE,
        server,
        database,
        user: options.get_username().to_owned(),
        tls: &TLS,
        meaning: error::meaning,
        grant: error::grant,
    };
    Ok((options.disable_statement_logging(), place))
}

pub(super) fn pool(options: &MySqlConnectOptions, connections: u32) -> MySqlPool {
    MySqlPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(CONNECT)
        .after_connect(|connection, _| Box::pin(begin_session(connection)))
        .connect_lazy_with(options.clone())
}

/// A connection of one's own.
pub(super) async fn connect(options: &MySqlConnectOptions) -> Result<MySqlConnection, sqlx::Error> {
    let connecting = async {
        let mut connection = options.connect().await?;
        begin_session(&mut connection).await?;
        Ok(connection)
    };
    tokio::time::timeout(CONNECT, connecting)
        .await
        .unwrap_or(Err(sqlx::Error::PoolTimedOut))
}

async fn begin_session(connection: &mut MySqlConnection) -> Result<(), sqlx::Error> {
    connection.execute(sqlx::raw_sql(SESSION)).await.map(|_| ())
}
