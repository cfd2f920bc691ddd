//! Connections: what the URL says, and what every session sets.

use super::{TABLE, error};
use crate::datasource::change_log::{Patience, Place, Server, pool_options, tls, url};
use mcp_common::{plugin::PluginError, secret::ExposeSecret};
use sqlx::{
    AssertSqlSafe, ConnectOptions, Executor, MySqlConnection, MySqlPool,
    mysql::{MySqlConnectOptions, MySqlSslMode},
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

/// Strict, so that nothing is cut off silently; transactions that see what is committed, and take no gap locks, which
/// would make writers of new keys wait for each other in a circle; and no minute-long wait behind a forgotten COMMIT.
const SESSION: &str = "SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION,NO_AUTO_VALUE_ON_ZERO', autocommit = 1, \
    innodb_lock_wait_timeout = 5";
const ISOLATION: &str = "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED";

/// When the server hangs up on a connection from which it hears nothing.
#[derive(Clone, Copy)]
enum Quiet {
    /// Not in a transaction, which MariaDB knows how to tell; MySQL only knows connections that ask nothing.
    InTransaction(u64),
    /// Longer than any wait between two polls.
    Between(Duration),
}

/// A poll's wait, and some more: see the setting `poll_ms`.
const LONGEST_WAIT: Duration = Duration::from_secs(120);

pub(super) fn options(server: &Server) -> Result<(MySqlConnectOptions, Place), PluginError> {
    let wrong = |reason| PluginError::Setting {
        key: format!("{TABLE}.url"),
        reason,
    };
    let text = server.url.expose_secret();
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
    let address = match options.get_socket() {
        Some(socket) => socket.display().to_string(),
        None => format!("{}:{}", options.get_host(), options.get_port()),
    };
    let place = Place {
        table: TABLE,
        server: address,
        database,
        user: options.get_username().to_owned(),
        patience: Patience::new(server.timeout),
        tls: &TLS,
        meaning: error::meaning,
        grant: error::grant,
    };
    Ok((options.disable_statement_logging(), place))
}

pub(super) fn pool(options: &MySqlConnectOptions, patience: Patience, connections: u32) -> MySqlPool {
    let quiet = Quiet::InTransaction(patience.idle_transaction());
    pool_options(patience, connections)
        .after_connect(move |connection, _| Box::pin(begin_session(connection, quiet)))
        .connect_lazy_with(options.clone())
}

/// A connection of one's own.
pub(super) async fn connect(
    options: &MySqlConnectOptions,
    patience: Patience,
) -> Result<MySqlConnection, sqlx::Error> {
    let connecting = async {
        let mut connection = options.connect().await?;
        begin_session(&mut connection, Quiet::Between(LONGEST_WAIT)).await?;
        Ok(connection)
    };
    tokio::time::timeout(patience.connect(), connecting)
        .await
        .unwrap_or(Err(sqlx::Error::PoolTimedOut))
}

async fn begin_session(connection: &mut MySqlConnection, quiet: Quiet) -> Result<(), sqlx::Error> {
    // MariaDB reads what stands in `/*M!`, MySQL what stands in `/*!80000`.
    let quiet = match quiet {
        Quiet::InTransaction(seconds) => {
            format!(
                "/*M!100300 , idle_transaction_timeout = {seconds} */ /*!80000 , wait_timeout = {seconds} */"
            )
        }
        Quiet::Between(longest) => format!(", wait_timeout = {}", longest.as_secs()),
    };
    let session = format!("{SESSION} {quiet}; {ISOLATION}");
    connection
        .execute(sqlx::raw_sql(AssertSqlSafe(session)))
        .await
        .map(|_| ())
}
