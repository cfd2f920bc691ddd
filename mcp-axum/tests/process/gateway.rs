//! Runs `dynmcp` in a directory of its own.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Output, Stdio},
    thread,
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// Generous: the machine may be compiling something beside.
const PATIENCE: Duration = Duration::from_secs(60);

/// The admin key of these tests.
pub(crate) const KEY: &str = "process-test-key";

/// A working directory without anybody's configuration.
pub(crate) struct Sandbox {
    directory: TempDir,
}

impl Sandbox {
    pub(crate) fn new() -> Self {
        Self {
            directory: tempfile::tempdir().unwrap(),
        }
    }

    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let file = self.path().join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, text).unwrap();
        file
    }

    pub(crate) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path().join(name)).unwrap()
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        self.command_of(env!("CARGO_BIN_EXE_dynmcp"), arguments)
    }

    /// The same of another gateway than `dynmcp`.
    pub(crate) fn command_of(&self, program: impl AsRef<std::ffi::OsStr>, arguments: &[&str]) -> Command {
        let mut command = Command::new(program);
        command
            .args(arguments)
            .current_dir(self.path())
            // Nobody's own configuration.
            .env("XDG_CONFIG_HOME", self.path().join("no-configurations"))
            .stdin(Stdio::null());
        for (name, _) in std::env::vars_os() {
            if name == "RUN_MODE"
                || name == "RUST_LOG"
                || name == "ENCRYPTION_KEY"
                || name.to_string_lossy().starts_with("APP__")
            {
                command.env_remove(name);
            }
        }
        command
    }

    /// Runs it to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// What is in the directory, but not the configuration.
    pub(crate) fn files(&self) -> Vec<String> {
        let entries = fs::read_dir(self.path()).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names
            .filter(|name| !name.ends_with(".toml") && name != "output")
            .collect()
    }
}

/// A gateway that runs. Killed when dropped.
pub(crate) struct Gateway {
    child: Child,
    output: PathBuf,
    pub(crate) origin: String,
}

impl Gateway {
    /// On any free port; returns when it is ready.
    pub(crate) fn start(sandbox: &Sandbox, config: &str) -> Self {
        Self::start_with(sandbox, config, &[])
    }

    /// The same with more environment variables.
    pub(crate) fn start_with(sandbox: &Sandbox, config: &str, environment: &[(&str, &str)]) -> Self {
        let gateway = Self::launch(sandbox, config, environment);
        gateway.until_ready();
        gateway
    }

    /// Returns when the port is known.
    fn launch(sandbox: &Sandbox, config: &str, environment: &[(&str, &str)]) -> Self {
        let config = sandbox.write("test.toml", config);
        let mut command = sandbox.command(&["serve", "--config", config.to_str().unwrap()]);
        command
            .env("APP__APP__PORT", "0")
            .envs(environment.iter().copied());
        Self::spawn_until_bound(sandbox, command)
    }

    /// The same with a command of one's own, which has to become the gateway.
    pub(crate) fn spawn_until_ready(sandbox: &Sandbox, command: Command) -> Self {
        let gateway = Self::spawn_until_bound(sandbox, command);
        gateway.until_ready();
        gateway
    }

    /// The same where it may not get ready.
    pub(crate) fn spawn_until_bound(sandbox: &Sandbox, command: Command) -> Self {
        let mut gateway = Self::spawn(sandbox, command);
        gateway.wait("the address", |gateway| gateway.address().is_some());
        gateway.origin = gateway.address().unwrap();
        gateway
    }

    fn until_ready(&self) {
        self.wait("readiness", |gateway| {
            gateway.get("/readyz").is_some_and(|(status, _)| status == 200)
        });
    }

    /// With its output in a file.
    pub(crate) fn spawn(sandbox: &Sandbox, mut command: Command) -> Self {
        let output = sandbox.path().join("output");
        let file = fs::File::create(&output).unwrap();
        let child = command
            .stdout(file.try_clone().unwrap())
            .stderr(file)
            .spawn()
            .unwrap();
        Self {
            child,
            output,
            origin: String::new(),
        }
    }

    fn address(&self) -> Option<String> {
        let text = self.output();
        let rest = &text[text.find("http://127.0.0.1:")?..];
        Some(rest[..rest.find(|c: char| c.is_whitespace() || c == '"')?].to_owned())
    }

    pub(crate) fn output(&self) -> String {
        fs::read_to_string(&self.output).unwrap()
    }

    pub(crate) fn wait(&self, what: &str, done: impl Fn(&Self) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !done(self) {
            assert!(
                Instant::now() < deadline,
                "{what} did not come:\n{}",
                self.output()
            );
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// Status and body.
    pub(crate) fn get(&self, path: &str) -> Option<(u16, String)> {
        request(reqwest::Client::new().get(format!("{}{path}", self.origin)))
    }

    /// Stores a definition with [`KEY`].
    pub(crate) fn put(&self, path: &str, document: &serde_json::Value) {
        let (status, body) = self.try_put(path, document);
        assert_eq!(status, 200, "{body}\n{}", self.output());
    }

    /// Status and body of that.
    pub(crate) fn try_put(&self, path: &str, document: &serde_json::Value) -> (u16, String) {
        let url = format!("{}/admin/{path}", self.origin);
        request(reqwest::Client::new().put(url).bearer_auth(KEY).json(document)).unwrap()
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The most memory that it ever had, in KiB.
    #[cfg(target_os = "linux")]
    pub(crate) fn peak(&self) -> u64 {
        self.kib("VmHWM:")
    }

    /// What its bound for memory (`ulimit -d`) is held against, in KiB.
    #[cfg(target_os = "linux")]
    pub(crate) fn data(&self) -> u64 {
        self.kib("VmData:")
    }

    #[cfg(target_os = "linux")]
    fn kib(&self, name: &str) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }

    /// How it ended, if it has.
    pub(crate) fn try_wait(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().unwrap()
    }

    pub(crate) fn signal(&self, name: &str) {
        let status = Command::new("kill")
            .args([&format!("-{name}"), &self.child.id().to_string()])
            .status();
        assert!(status.unwrap().success());
    }

    /// Waits for the end and returns the exit code.
    pub(crate) fn exit_code(&mut self) -> Option<i32> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code();
            }
            assert!(Instant::now() < deadline, "still running:\n{}", self.output());
            thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Status and body, `None` if nobody answers.
pub(crate) fn request(request: reqwest::RequestBuilder) -> Option<(u16, String)> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let response = request.send().await.ok()?;
        let status = response.status().as_u16();
        Some((status, response.text().await.ok()?))
    })
}
