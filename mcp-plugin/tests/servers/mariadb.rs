//! MariaDB in a temporary directory; or MySQL, whose `mysqld` the environment variable `DYNMCP_TEST_MYSQLD` names.

use super::process::{Process, free_port, is_root, run};
use sqlx::{AssertSqlSafe, ConnectOptions, Executor, MySqlConnection, MySqlPool, mysql::MySqlConnectOptions};
use std::{
    path::{Path, PathBuf},
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

const PACKAGE: &str = "mariadb-server";

/// MySQL instead of MariaDB.
fn mysqld() -> Option<String> {
    std::env::var("DYNMCP_TEST_MYSQLD").ok()
}

pub(crate) struct MariaDb {
    directory: PathBuf,
    pub(crate) port: u16,
    options: Vec<String>,
    process: Option<Process>,
    databases: AtomicU32,
}

impl MariaDb {
    /// What the shared server takes: a packet, less what else is in it.
    pub(crate) const LARGEST_DOCUMENT: usize = 4 * 1024 * 1024 - 16 * 1024;

    /// The server that most tests share, each with a database of its own.
    pub(crate) async fn shared() -> &'static Self {
        static SHARED: OnceLock<MariaDb> = OnceLock::new();
        let server = SHARED.get_or_init(|| Self::prepare(&["--max-allowed-packet=4M"]));
        server.until_ready().await;
        server
    }

    /// A server of one's own.
    pub(crate) async fn start(options: &[&str]) -> Self {
        let server = Self::prepare(options);
        server.until_ready().await;
        server
    }

    fn prepare(options: &[&str]) -> Self {
        let directory = tempfile::tempdir().unwrap().keep();
        let data = format!("--datadir={}/data", directory.display());
        // A server removes what others left in a temporary directory, also of those that run.
        let temporary = format!("--tmpdir={}", directory.display());
        let mut arguments = vec!["--no-defaults", &data, &temporary];
        arguments.extend(is_root().then_some("--user=root"));
        if let Some(mysqld) = mysqld() {
            arguments.push("--initialize-insecure");
            run(&mysqld, &arguments, "mysql-server");
        } else {
            arguments.extend(["--auth-root-authentication-method=normal", "--skip-test-db"]);
            run("mariadb-install-db", &arguments, PACKAGE);
        }
        let mut server = Self {
            directory,
            port: free_port(),
            options: options.iter().map(|option| (*option).to_owned()).collect(),
            process: None,
            databases: AtomicU32::new(0),
        };
        server.run();
        server
    }

    fn run(&mut self) {
        let directory = self.directory.display();
        // Debian keeps it where only root's PATH leads.
        let program = ["/usr/sbin/mariadbd", "/usr/libexec/mariadbd"]
            .into_iter()
            .find(|program| Path::new(program).exists())
            .unwrap_or("mariadbd");
        let mut command = vec![
            mysqld().unwrap_or_else(|| program.to_owned()),
            "--no-defaults".to_owned(),
            format!("--datadir={directory}/data"),
            format!("--socket={directory}/socket"),
            format!("--pid-file={directory}/pid"),
            format!("--tmpdir={directory}"),
            format!("--port={}", self.port),
            "--bind-address=127.0.0.1".to_owned(),
            "--innodb-flush-log-at-trx-commit=2".to_owned(),
            "--innodb-buffer-pool-size=64M".to_owned(),
            "--max-connections=400".to_owned(),
        ];
        command.extend(is_root().then(|| "--user=root".to_owned()));
        command.extend(self.options.iter().cloned());
        let log = self.directory.join("log");
        self.process = Some(Process::start(&command, &log, "KILL", Some(&self.directory)));
    }

    async fn until_ready(&self) {
        let deadline = Instant::now() + Duration::from_secs(60);
        while let Err(error) = self.root("mysql").connect().await {
            let log = || std::fs::read_to_string(self.directory.join("log")).unwrap_or_default();
            assert!(Instant::now() < deadline, "{error}: {}", log());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    fn root(&self, database: &str) -> MySqlConnectOptions {
        let options = MySqlConnectOptions::new().host("127.0.0.1").port(self.port);
        options.username("root").database(database)
    }

    /// An empty database.
    pub(crate) async fn database(&self) -> String {
        let name = format!("t{}", self.databases.fetch_add(1, Ordering::Relaxed));
        self.admin("mysql", &format!("CREATE DATABASE {name} CHARACTER SET latin1"))
            .await;
        name
    }

    pub(crate) fn url(&self, database: &str) -> String {
        format!("mysql://root@127.0.0.1:{}/{database}", self.port)
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
    pub(crate) async fn connection(&self, database: &str) -> MySqlConnection {
        self.root(database).connect().await.unwrap()
    }

    /// Past the gateway.
    pub(crate) async fn pool(&self, database: &str) -> MySqlPool {
        MySqlPool::connect_with(self.root(database)).await.unwrap()
    }

    /// Kills the server as a power cut would.
    pub(crate) fn kill(&mut self) {
        let copy = self.directory.with_extension("kept");
        std::fs::rename(&self.directory, &copy).unwrap();
        self.process = None;
        std::fs::rename(copy, &self.directory).unwrap();
    }

    /// With one more option; of two that are the same, the last one counts.
    pub(crate) async fn start_again_with(&mut self, option: &str) {
        self.options.push(option.to_owned());
        self.start_again().await;
    }

    pub(crate) async fn start_again(&mut self) {
        self.run();
        self.until_ready().await;
    }
}
