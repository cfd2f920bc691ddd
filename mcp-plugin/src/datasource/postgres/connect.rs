//! Connections: what the URL says, and what every session sets.

use super::{TABLE, error, libpq::Libpq};
use crate::datasource::change_log::{Patience, Place, Server, pool_options, tls, url};
use mcp_common::{plugin::PluginError, secret::ExposeSecret};
use sqlx::{
    AssertSqlSafe, ConnectOptions, Executor, PgConnection, PgPool,
    postgres::{PgConnectOptions, PgSslMode},
};

const PARAMETERS: [&str; 20] = [
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
    // Taken out of the URL before the driver reads it.
    "connect_timeout",
    "channel_binding",
    "target_session_attrs",
];

const TLS: tls::Names = tls::Names {
    mode: "sslmode",
    verified: "verify-full",
    authority: &["sslrootcert", "ssl-root-cert", "ssl-ca"],
    certificate: &["sslcert", "ssl-cert"],
    key: &["sslkey", "ssl-key"],
};

/// No endless wait behind a forgotten COMMIT. What the server cannot reach any more, it gives up within half a minute.
const SESSION: &str = "SET lock_timeout = '5s'; SET client_encoding = 'UTF8'; SET tcp_keepalives_idle = 15; \
    SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3";

pub(super) fn options(server: &Server) -> Result<(PgConnectOptions, Place), PluginError> {
    let wrong = |reason| PluginError::Setting {
        key: format!("{TABLE}.url"),
        reason,
    };
    let libpq = Libpq::read(server.url.expose_secret()).map_err(wrong)?;
    let text = &libpq.url;
    url::check(text, &["postgres", "postgresql"], &PARAMETERS).map_err(wrong)?;
    one_host(text).map_err(wrong)?;
    let options: PgConnectOptions = text
        .parse()
        .map_err(|error: sqlx::Error| wrong(url::driver_reason(&error)))?;
    let options = with_system(options, &libpq).map_err(wrong)?;
    let options = prove(options, &libpq).map_err(wrong)?;
    if !libpq.ignored.is_empty() {
        let ignored = libpq.ignored.join(", ");
        tracing::warn!(ignored, "parameters of {TABLE}.url that change nothing here");
    }
    let verifies = matches!(
        options.get_ssl_mode(),
        PgSslMode::VerifyCa | PgSslMode::VerifyFull
    );
    TLS.check(text, verifies).map_err(wrong)?;
    let address = match options.get_socket() {
        Some(socket) => socket.display().to_string(),
        None => format!("{}:{}", options.get_host(), options.get_port()),
    };
    let user = options.get_username().to_owned();
    let place = Place {
        table: TABLE,
        server: address,
        database: options.get_database().unwrap_or(&user).to_owned(),
        user,
        patience: Patience::new(server.timeout).connecting_in(libpq.connect),
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

/// libpq tries several hosts; the driver takes a second one for a part of the port.
fn one_host(url: &str) -> Result<(), String> {
    let authority = url.split_once("://").map_or("", |(_, rest)| rest);
    let authority = authority.split(['/', '?']).next().unwrap_or_default();
    let hosts = authority.rsplit('@').next().unwrap_or_default();
    match hosts.contains(',') {
        true => Err(
            "the URL names several hosts: give one, which always leads to the server that is written to"
                .to_owned(),
        ),
        false => Ok(()),
    }
}

/// Of the authorities that everybody knows each certifies many servers: a certificate says something only together with its name.
fn with_system(options: PgConnectOptions, libpq: &Libpq) -> Result<PgConnectOptions, String> {
    let says_mode = ["sslmode=", "ssl-mode="]
        .iter()
        .any(|mode| libpq.url.contains(mode));
    match options.get_ssl_mode() {
        PgSslMode::VerifyFull => Ok(options),
        _ if !libpq.knows_system => Ok(options),
        _ if !says_mode => Ok(options.ssl_mode(PgSslMode::VerifyFull)),
        _ => Err("the URL's `sslrootcert=system` needs `sslmode=verify-full`, or no `sslmode`".to_owned()),
    }
}

/// `channel_binding=require` keeps others from standing in the middle. A certificate that is checked does so too.
fn prove(options: PgConnectOptions, libpq: &Libpq) -> Result<PgConnectOptions, String> {
    match options.get_ssl_mode() {
        _ if !libpq.proves_itself => Ok(options),
        PgSslMode::Disable => {
            Err("the URL's `channel_binding=require` needs TLS, and its `sslmode` is `disable`".to_owned())
        }
        PgSslMode::VerifyCa | PgSslMode::VerifyFull => Ok(options),
        PgSslMode::Allow | PgSslMode::Prefer | PgSslMode::Require => {
            tracing::info!(
                "channel_binding=require of {TABLE}.url: the server's certificate is checked (sslmode=verify-full)"
            );
            Ok(options.ssl_mode(PgSslMode::VerifyFull))
        }
    }
}

pub(super) fn pool(options: &PgConnectOptions, patience: Patience, connections: u32) -> PgPool {
    pool_options(patience, connections)
        .after_connect(move |connection, _| Box::pin(begin_session(connection, patience)))
        .connect_lazy_with(options.clone())
}

/// A connection of one's own.
pub(super) async fn connect(
    options: &PgConnectOptions,
    patience: Patience,
) -> Result<PgConnection, sqlx::Error> {
    let connecting = async {
        let mut connection = options.connect().await?;
        begin_session(&mut connection, patience).await?;
        Ok(connection)
    };
    tokio::time::timeout(patience.connect(), connecting)
        .await
        .unwrap_or(Err(sqlx::Error::PoolTimedOut))
}

async fn begin_session(connection: &mut PgConnection, patience: Patience) -> Result<(), sqlx::Error> {
    let seconds = patience.idle_transaction();
    let session = format!("{SESSION}; SET idle_in_transaction_session_timeout = '{seconds}s'");
    connection
        .execute(sqlx::raw_sql(AssertSqlSafe(session)))
        .await
        .map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_hosts_are_called_that() {
        for url in ["postgres://a,b/db", "postgres://u:p@a:5432,b:5432/db?user=x"] {
            assert!(
                one_host(url).is_err_and(|reason| reason.contains("several hosts")),
                "{url}"
            );
        }
        for url in [
            "postgres://u:a,b@h/db",
            "postgres://h/a,b",
            "postgres:///db?host=/run",
            "postgres://[::1]:5/db",
        ] {
            assert_eq!(one_host(url), Ok(()), "{url}");
        }
    }

    #[test]
    fn what_is_taken_before_the_driver_reads_the_url_is_listed() {
        let refused = url::check("postgres://h/db?no=1", &["postgres"], &PARAMETERS).unwrap_err();
        for name in ["channel_binding", "connect_timeout", "target_session_attrs"] {
            assert!(refused.contains(name), "{refused}");
        }
    }
}
