//! The gateway as its users run it: `dynmcp serve` with a configuration file, driven over HTTP.

use crate::{Admin, binary::dynmcp};
use anyhow::{Context, Result, bail, ensure};
use std::{
    ffi::OsStr,
    fs::{self, File},
    net::TcpListener,
    path::PathBuf,
    process::Stdio,
    time::{Duration, Instant},
};
use tempfile::TempDir;
use tokio::{
    process::{Child, Command},
    time::sleep,
};

/// How long a start may take on a busy machine.
const START: Duration = Duration::from_secs(30);

/// How a gateway differs from one with its defaults.
#[derive(Clone, Debug, Default)]
pub struct Setup {
    /// Instead of the `dynmcp` binary of this build; it understands the same command line.
    pub program: Option<PathBuf>,
    /// More lines of `[app]`, each with its end of line; `{origin}` is the URL at which it will be reached.
    pub app: String,
    /// Further tables of the configuration.
    pub tables: String,
}

/// A running gateway with a store of its own. Dropping it ends the process.
pub struct Gateway {
    directory: TempDir,
    origin: String,
    child: Child,
    admin: Admin,
    started_in: Duration,
}

impl Gateway {
    /// The key of `/admin` and of instances that ask for one.
    pub const KEY: &str = "proof-api-key-of-tests";

    /// Starts it and waits until it is ready.
    pub async fn start() -> Result<Self> {
        Self::start_as(&Setup::default()).await
    }

    /// The same with a program or a configuration of one's own.
    pub async fn start_as(setup: &Setup) -> Result<Self> {
        // A port that was free a moment ago can be taken by the time the gateway wants it.
        for _ in 0..2 {
            if let Ok(gateway) = Self::launch(setup).await {
                return Ok(gateway);
            }
        }
        Self::launch(setup).await
    }

    async fn launch(setup: &Setup) -> Result<Self> {
        let binary = setup.program.clone().map_or_else(dynmcp, Ok)?;
        // It runs in a folder of its own.
        let binary = std::path::absolute(binary)?;
        let directory = tempfile::tempdir()?;
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let key = Self::KEY;
        let config = directory.path().join("config.toml");
        let origin = format!("http://127.0.0.1:{port}");
        let Setup { app, tables, .. } = setup;
        let app = app.replace("{origin}", &origin);
        let app = format!("[app]\nhost = \"127.0.0.1\"\nport = {port}\napi_key = \"{key}\"\n{app}");
        fs::write(&config, format!("{app}{tables}"))?;
        // The store and the log are where the defaults say, below the working directory.
        let output = File::options()
            .create(true)
            .append(true)
            .open(directory.path().join("output"))?;
        let mut command = Command::new(&binary);
        for (name, _) in std::env::vars_os().filter(|(name, _)| is_setting(name)) {
            command.env_remove(name);
        }
        let child = command
            .args(["serve", "--config"])
            .arg(&config)
            .current_dir(directory.path())
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("{} cannot be started", binary.display()))?;
        let admin = Admin::new(&origin)?;
        let mut gateway = Self {
            directory,
            origin,
            child,
            admin,
            started_in: Duration::ZERO,
        };
        let start = Instant::now();
        gateway.wait_until_ready().await?;
        gateway.started_in = start.elapsed();
        Ok(gateway)
    }

    async fn wait_until_ready(&mut self) -> Result<()> {
        let deadline = Instant::now() + START;
        while !self.admin.is_ready().await {
            if let Some(status) = self.child.try_wait()? {
                bail!("the gateway ended with {status} at its start:\n{}", self.output());
            }
            let waiting = Instant::now() < deadline;
            ensure!(waiting, "not ready after {START:?}:\n{}", self.output());
            sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }

    /// `http://127.0.0.1:PORT`.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The MCP endpoint of an instance.
    pub fn endpoint(&self, instance: &str) -> String {
        format!("{}/mcp/{instance}", self.origin)
    }

    /// Tells it to stop, as a deployment would, and waits until it has.
    pub async fn stop(mut self) -> Result<()> {
        let id = self.child.id().context("it has ended by itself")?.to_string();
        let told = Command::new("kill").args(["-s", "TERM", &id]).status().await?;
        ensure!(told.success(), "kill: {told}");
        let ended = self.child.wait().await?;
        ensure!(
            ended.success(),
            "the gateway ended with {ended}:\n{}",
            self.output()
        );
        Ok(())
    }

    /// How long it took from the start of the process until it was ready.
    pub fn started_in(&self) -> Duration {
        self.started_in
    }

    /// The process, for measuring it.
    pub fn pid(&self) -> Option<u32> {
        self.child.id()
    }

    /// What it wrote to its standard output and error so far.
    pub fn output(&self) -> String {
        fs::read_to_string(self.directory.path().join("output")).unwrap_or_default()
    }

    /// Empties that, for tests that make it write a lot.
    pub fn forget_output(&self) -> Result<()> {
        let output = File::options()
            .write(true)
            .open(self.directory.path().join("output"))?;
        Ok(output.set_len(0)?)
    }

    /// What `/metrics` shows.
    pub async fn metrics(&self) -> Result<String> {
        // A text is good for a second.
        tokio::time::sleep(Duration::from_millis(1100)).await;
        let request = reqwest::Client::new()
            .get(format!("{}/metrics", self.origin))
            .bearer_auth(Self::KEY);
        let answer = request.bearer_auth(Self::KEY).send().await?;
        Ok(answer.error_for_status()?.text().await?)
    }

    /// Its admin API.
    pub fn admin(&self) -> &Admin {
        &self.admin
    }
}

/// Variables of the gateway's own, which could be set for something else.
fn is_setting(name: &OsStr) -> bool {
    name == "RUN_MODE" || name.to_string_lossy().starts_with("APP__")
}
