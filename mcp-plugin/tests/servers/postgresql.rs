//! PostgreSQL in a temporary directory.

use super::process::{Process, free_port, is_root, run};
use sqlx::{AssertSqlSafe, ConnectOptions, Executor, PgConnection, PgPool, postgres::PgConnectOptions};
use std::{
    path::{Path, PathBuf},
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

const PACKAGE: &str = "postgresql";

pub(crate) struct PostgreSql {
    directory: PathBuf,
    pub(crate) port: u16,
    options: Vec<String>,
    process: Option<Process>,
    databases: AtomicU32,
}

impl PostgreSql {
    /// The server that most tests share, each with a database of its own.
    pub(crate) async fn shared() -> &'static Self {
        static SHARED: OnceLock<PostgreSql> = OnceLock::new();
        let server = SHARED.get_or_init(Self::prepare);
        server.until_ready().await;
        server
    }

    /// A server of one's own.
    pub(crate) async fn start() -> Self {
        let server = Self::prepare();
        server.until_ready().await;
        server
    }

    /// A server that lets nobody in without TLS, and the user `certified` only with a certificate of that name. In the
    /// directory are `ca.pem`, `server.pem` and `server.key`.
    pub(crate) async fn start_secure(certificates: &Path) -> Self {
        let mut server = Self::prepare_stopped();
        let data = server.directory.join("data");
        for name in ["ca.pem", "server.pem", "server.key"] {
            let file = data.join(name);
            std::fs::copy(certificates.join(name), &file).unwrap();
            let file = file.display().to_string();
            run("chmod", &["600", &file], PACKAGE);
            if is_root() {
                run("chown", &["postgres", &file], PACKAGE);
            }
        }
        let rules = "hostssl all certified 127.0.0.1/32 cert\nhostssl all all 127.0.0.1/32 trust\n";
        std::fs::write(data.join("pg_hba.conf"), rules).unwrap();
        for option in [
            "ssl=on",
            "ssl_ca_file=ca.pem",
            "ssl_cert_file=server.pem",
            "ssl_key_file=server.key",
        ] {
            server.options.extend(["-c".to_owned(), option.to_owned()]);
        }
        server.run();
        server.until_ready().await;
        server
    }

    fn prepare() -> Self {
        let mut server = Self::prepare_stopped();
        server.run();
        server
    }

    fn prepare_stopped() -> Self {
        let directory = tempfile::tempdir().unwrap().keep();
        if is_root() {
            // The server refuses to run as root.
            run("chown", &["postgres", &directory.display().to_string()], PACKAGE);
        }
        let data = format!("{}/data", directory.display());
        let command = as_its_user(&[
            &program("initdb"),
            "--auth=trust",
            "--username=postgres",
            "--encoding=UTF8",
            "--locale=C",
            "--no-sync",
            "-D",
            &data,
        ]);
        let arguments: Vec<_> = command[1..].iter().map(String::as_str).collect();
        run(&command[0], &arguments, PACKAGE);
        let passwords = "local all all trust\nhost all postgres 127.0.0.1/32 trust\nhost all all 127.0.0.1/32 scram-sha-256\n";
        std::fs::write(format!("{data}/pg_hba.conf"), passwords).unwrap();
        Self {
            directory,
            port: free_port(),
            options: Vec::new(),
            process: None,
            databases: AtomicU32::new(0),
        }
    }

    fn run(&mut self) {
        let directory = self.directory.display();
        let options = self.options.iter().map(String::as_str);
        let mut command = as_its_user(&[
            &program("postgres"),
            "-D",
            &format!("{directory}/data"),
            "-p",
            &self.port.to_string(),
            "-h",
            "127.0.0.1",
            "-k",
            &directory.to_string(),
            "-c",
            "fsync=off",
            "-c",
            "max_connections=400",
        ]);
        command.extend(options.map(str::to_owned));
        let log = self.directory.join("log");
        // QUIT: without a shutdown checkpoint, but with its children.
        self.process = Some(Process::start(&command, &log, "QUIT", Some(&self.directory)));
    }

    async fn until_ready(&self) {
        let deadline = Instant::now() + Duration::from_secs(60);
        while let Err(error) = self.root("postgres").connect().await {
            let log = || std::fs::read_to_string(self.directory.join("log")).unwrap_or_default();
            assert!(Instant::now() < deadline, "{error}: {}", log());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    fn root(&self, database: &str) -> PgConnectOptions {
        let options = PgConnectOptions::new_without_pgpass()
            .host("127.0.0.1")
            .port(self.port);
        options.username("postgres").database(database)
    }

    /// Its files.
    pub(crate) fn data(&self) -> PathBuf {
        self.directory.join("data")
    }

    /// An empty database.
    pub(crate) async fn database(&self) -> String {
        let name = format!("t{}", self.databases.fetch_add(1, Ordering::Relaxed));
        self.admin("postgres", &format!("CREATE DATABASE {name}")).await;
        name
    }

    pub(crate) fn url(&self, database: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{database}", self.port)
    }

    /// Runs SQL as the administrator.
    pub(crate) async fn admin(&self, database: &str, sql: &str) {
        let mut connection = self.connection(database).await;
        connection
            .execute(sqlx::raw_sql(AssertSqlSafe(sql.to_owned())))
            .await
            .unwrap_or_else(|error| panic!("{sql}: {error}"));
    }

    /// Past the gateway.
    pub(crate) async fn connection(&self, database: &str) -> PgConnection {
        self.root(database).connect().await.unwrap()
    }

    /// Past the gateway.
    pub(crate) async fn pool(&self, database: &str) -> PgPool {
        PgPool::connect_with(self.root(database)).await.unwrap()
    }

    /// Ends the server at once.
    pub(crate) fn kill(&mut self) {
        let copy = self.directory.with_extension("kept");
        std::fs::rename(&self.directory, &copy).unwrap();
        self.process = None;
        std::fs::rename(copy, &self.directory).unwrap();
        let _ = std::fs::remove_file(self.directory.join("data/postmaster.pid"));
    }

    pub(crate) async fn start_again(&mut self) {
        self.run();
        self.until_ready().await;
    }
}

fn as_its_user(command: &[&str]) -> Vec<String> {
    let user: &[&str] = if is_root() {
        &[
            "setpriv",
            "--reuid=postgres",
            "--regid=postgres",
            "--clear-groups",
        ]
    } else {
        &[]
    };
    user.iter()
        .chain(command)
        .map(|word| (*word).to_owned())
        .collect()
}

/// Debian keeps the programs of each version in a directory of its own, and not in the PATH.
fn program(name: &str) -> String {
    let versions = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten();
    let installed = versions.map(|version| version.path().join("bin").join(name));
    let newest = installed.filter(|program| program.exists()).max();
    newest.map_or_else(|| name.to_owned(), |program| program.display().to_string())
}
