//! Redis in a temporary directory.

use super::process::{Process, free_port};
use std::{
    process::Command,
    sync::Mutex,
    time::{Duration, Instant},
};
use tempfile::TempDir;

const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) struct RedisServer {
    pub(crate) directory: TempDir,
    port: u16,
    options: Vec<String>,
    process: Mutex<Option<Process>>,
}

impl RedisServer {
    pub(crate) fn start(options: &[&str]) -> Self {
        Self::start_in(tempfile::tempdir().unwrap(), free_port(), options)
    }

    /// Listens at a port of its own, unless the options say `--port 0` and something else.
    pub(crate) fn start_in(directory: TempDir, port: u16, options: &[&str]) -> Self {
        let server = Self {
            directory,
            port,
            options: options.iter().map(|option| (*option).to_owned()).collect(),
            process: Mutex::default(),
        };
        server.resume();
        server
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Kills it, and what it had is gone.
    pub(crate) fn stop(&self) {
        *self.process.lock().unwrap() = None;
    }

    pub(crate) fn resume(&self) {
        let port = self.port.to_string();
        let directory = self.directory.path().display().to_string();
        let own = [
            "redis-server",
            "--bind",
            "127.0.0.1",
            "--port",
            &port,
            "--dir",
            &directory,
        ];
        let quiet = ["--save", "", "--appendonly", "no", "--daemonize", "no"];
        let mut command: Vec<String> = own.iter().chain(&quiet).map(|word| (*word).to_owned()).collect();
        command.extend(self.options.clone());
        let log = self.directory.path().join("log");
        // What the one before said is not said again.
        let _ = std::fs::remove_file(&log);
        let start = || *self.process.lock().unwrap() = Some(Process::start(&command, &log, "KILL", None));
        start();
        let deadline = Instant::now() + PATIENCE;
        let said = || std::fs::read_to_string(&log).unwrap_or_default();
        while !said().contains("Ready to accept connections") {
            assert!(
                Instant::now() < deadline,
                "redis-server (package redis-server) does not start: {}",
                said()
            );
            std::thread::sleep(Duration::from_millis(20));
            if said().contains("Address already in use") {
                start();
            }
        }
    }

    /// `STOP`: connections stay open and nothing comes. `CONT`: it goes on.
    pub(crate) fn signal(&self, signal: &str) {
        let id = self.process.lock().unwrap().as_ref().unwrap().id.to_string();
        let sent = Command::new("kill").args(["-s", signal, &id]).status().unwrap();
        assert!(sent.success());
    }

    /// What an operator asks it.
    pub(crate) fn cli(&self, arguments: &[&str]) -> String {
        let port = self.port.to_string();
        let output = Command::new("redis-cli")
            .args(["-h", "127.0.0.1", "-p", &port])
            .args(arguments)
            .output()
            .expect("redis-cli (package redis-tools)");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "redis-cli {arguments:?}: {said}");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }
}
