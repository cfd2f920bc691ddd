//! etcd in a temporary directory.

use super::process::{Process, free_port};
use std::{
    ffi::OsStr,
    fmt::Debug,
    io::Write,
    process::{Command, Output, Stdio},
    sync::Mutex,
    time::{Duration, Instant},
};
use tempfile::TempDir;

const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) struct EtcdServer {
    pub(crate) directory: TempDir,
    scheme: &'static str,
    name: String,
    client: u16,
    peer: u16,
    /// All members, itself too, as `--initial-cluster` wants them.
    cluster: String,
    options: Vec<String>,
    /// How `etcdctl` gets in.
    access: Mutex<Vec<String>>,
    process: Mutex<Option<Process>>,
}

impl EtcdServer {
    pub(crate) fn start(options: &[&str]) -> Self {
        Self::start_with("http", tempfile::tempdir().unwrap(), options, &[])
    }

    pub(crate) fn start_with(
        scheme: &'static str,
        directory: TempDir,
        options: &[&str],
        access: &[&str],
    ) -> Self {
        let peer = free_port();
        let cluster = format!("one=http://127.0.0.1:{peer}");
        // It votes for itself only; nobody has to be waited for.
        let quick = ["--heartbeat-interval", "20", "--election-timeout", "200"];
        let options = [&quick[..], options].concat();
        let mut server = Self::member("one", peer, &cluster, &options);
        server.directory = directory;
        server.scheme = scheme;
        server.access = Mutex::new(owned(access));
        server.resume();
        server
    }

    /// A member that does not run yet.
    pub(crate) fn member(name: &str, peer: u16, cluster: &str, options: &[&str]) -> Self {
        Self {
            directory: tempfile::tempdir().unwrap(),
            scheme: "http",
            name: name.to_owned(),
            client: free_port(),
            peer,
            cluster: cluster.to_owned(),
            options: owned(options),
            access: Mutex::default(),
            process: Mutex::new(None),
        }
    }

    pub(crate) fn port(&self) -> u16 {
        self.client
    }

    pub(crate) fn url(&self) -> String {
        format!("{}://127.0.0.1:{}", self.scheme, self.client)
    }

    /// Kills it; what it had is kept.
    pub(crate) fn stop(&self) {
        *self.process.lock().unwrap() = None;
    }

    pub(crate) fn resume(&self) {
        let (client, peer) = (self.url(), format!("http://127.0.0.1:{}", self.peer));
        let mut command = vec!["etcd".to_owned()];
        let data = self.directory.path().join("data").display().to_string();
        for (name, value) in [
            ("--name", &self.name),
            ("--data-dir", &data),
            ("--listen-client-urls", &client),
            ("--advertise-client-urls", &client),
            ("--listen-peer-urls", &peer),
            ("--initial-advertise-peer-urls", &peer),
            ("--initial-cluster", &self.cluster),
        ] {
            command.extend([name.to_owned(), value.to_owned()]);
        }
        command.extend(self.options.clone());
        let log = self.directory.path().join("log");
        let start = || *self.process.lock().unwrap() = Some(Process::start(&command, &log, "KILL", None));
        start();
        let deadline = Instant::now() + PATIENCE;
        while !self.try_etcdctl(&["get", "is-it-there"], "").status.success() {
            let said = std::fs::read_to_string(&log).unwrap_or_default();
            assert!(
                Instant::now() < deadline,
                "etcd (package etcd-server) does not start: {said}"
            );
            std::thread::sleep(Duration::from_millis(20));
            // A connection of somebody else got the port that was free a moment ago.
            if said.contains("address already in use") {
                start();
            }
        }
    }

    /// Stops the processor for it: connections stay open and nothing comes.
    pub(crate) fn signal(&self, signal: &str) {
        let id = self.process.lock().unwrap().as_ref().unwrap().id.to_string();
        assert!(
            Command::new("kill")
                .args(["-s", signal, &id])
                .status()
                .unwrap()
                .success()
        );
    }

    /// From now on `etcdctl` logs in.
    pub(crate) fn log_in(&self, user: &str, password: &str) {
        self.access
            .lock()
            .unwrap()
            .push(format!("--user={user}:{password}"));
    }

    /// What a platform team does.
    pub(crate) fn etcdctl(&self, arguments: &[impl AsRef<OsStr> + Debug]) -> String {
        self.etcdctl_with_input(arguments, "")
    }

    pub(crate) fn etcdctl_with_input(&self, arguments: &[impl AsRef<OsStr> + Debug], input: &str) -> String {
        let output = self.try_etcdctl(arguments, input);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "etcdctl {arguments:?}: {said}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    fn try_etcdctl(&self, arguments: &[impl AsRef<OsStr>], input: &str) -> Output {
        let mut etcdctl = Command::new("etcdctl")
            .env("ETCDCTL_API", "3")
            .args(["--dial-timeout=2s", "--command-timeout=10s"])
            .arg(format!("--endpoints={}", self.url()))
            .args(self.access.lock().unwrap().iter())
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("etcdctl (package etcd-client)");
        etcdctl.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        etcdctl.wait_with_output().unwrap()
    }
}

fn owned(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}
