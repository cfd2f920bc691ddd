//! nginx as the yardstick: a reverse proxy with a pool of upstream connections, and a static file.

use crate::cpu;
use anyhow::{Context, Result, ensure};
use std::{
    fs::{self, File},
    net::TcpListener,
    process::Stdio,
    thread::available_parallelism,
    time::{Duration, Instant},
};
use tempfile::TempDir;
use tokio::{
    net::TcpStream,
    process::{Child, Command},
    time::sleep,
};

/// A running nginx with a configuration of its own.
pub(crate) struct Nginx {
    port: u16,
    master: Child,
    workers: Vec<u32>,
    directory: TempDir,
}

impl Nginx {
    /// Where the static file is.
    pub(crate) const FILE: &str = "/tools-list.json";

    /// Leads to the answer of 100 KiB.
    pub(crate) const LARGE: &str = "/large";

    /// In front of the API, and of a static file.
    pub(crate) async fn start(upstream_port: u16, static_bytes: &[u8]) -> Result<Self> {
        let locations = [
            Location::new("/mcp/", "/orders"),
            Location::new(Self::LARGE, Self::LARGE),
        ];
        Self::start_with(upstream_port, static_bytes, &locations).await
    }

    /// With one worker per core, as DynMCP has.
    pub(crate) async fn start_with(
        upstream_port: u16,
        static_bytes: &[u8],
        locations: &[Location],
    ) -> Result<Self> {
        let directory = tempfile::tempdir()?;
        let path = directory.path().display().to_string();
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let cores = available_parallelism()?.get();
        let config = directory.path().join("nginx.conf");
        fs::write(
            directory.path().join(Self::FILE.trim_start_matches('/')),
            static_bytes,
        )?;
        fs::write(
            &config,
            configuration(&path, (port, upstream_port), cores, locations),
        )?;
        let master = Command::new("nginx")
            .args(["-e", &format!("{path}/error.log"), "-p", &path, "-c"])
            .arg(&config)
            .stdin(Stdio::null())
            .spawn()
            .context("nginx is not installed")?;
        let mut nginx = Self {
            port,
            master,
            workers: Vec::new(),
            directory,
        };
        nginx.wait_for_workers(cores).await?;
        Ok(nginx)
    }

    async fn wait_for_workers(&mut self, cores: usize) -> Result<()> {
        let deadline = Instant::now() + Duration::from_secs(10);
        let master = self.master.id().context("nginx has ended")?;
        loop {
            if let Some(status) = self.master.try_wait()? {
                anyhow::bail!("nginx ended with {status}");
            }
            self.workers = cpu::children(master).unwrap_or_default();
            let answers = TcpStream::connect(("127.0.0.1", self.port)).await.is_ok();
            if answers && self.workers.len() == cores {
                return Ok(());
            }
            ensure!(Instant::now() < deadline, "nginx does not start");
            sleep(Duration::from_millis(20)).await;
        }
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Empties the access log; at a benchmark's pace it would fill the disk.
    pub(crate) fn forget_log(&self) -> Result<()> {
        let log = File::options()
            .write(true)
            .open(self.directory.path().join("access.log"))?;
        Ok(log.set_len(0)?)
    }

    /// The workers; the master does nothing while they serve.
    pub(crate) fn pids(&self) -> Vec<u32> {
        self.workers.clone()
    }
}

/// What is passed on.
pub(crate) struct Location {
    path: &'static str,
    /// The path at the upstream.
    to: &'static str,
    /// Further lines.
    more: &'static str,
}

impl Location {
    pub(crate) fn new(path: &'static str, to: &'static str) -> Self {
        Self { path, to, more: "" }
    }

    /// Each piece of an answer is passed on when it comes.
    pub(crate) fn unbuffered(self) -> Self {
        Self {
            more: "proxy_buffering off;",
            ..self
        }
    }

    fn written(&self) -> String {
        let Self { path, to, more } = self;
        format!(
            "location {path} {{
            proxy_pass http://api{to};
            proxy_http_version 1.1;
            proxy_set_header Connection \"\";
            {more}
        }}
        "
        )
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // The workers end with their master only if it is asked, not if it is killed.
        if let Some(pid) = self.master.id() {
            let _ = std::process::Command::new("kill").arg(pid.to_string()).status();
            let deadline = Instant::now() + Duration::from_secs(5);
            while self.master.try_wait().is_ok_and(|status| status.is_none()) && Instant::now() < deadline {
                std::thread::sleep(Duration::from_millis(10));
            }
        }
    }
}

fn configuration(
    path: &str,
    (port, upstream_port): (u16, u16),
    cores: usize,
    locations: &[Location],
) -> String {
    // Without `user`, a master that is root lets its workers be `nobody`, who cannot read the file.
    let user = if fs::metadata("/proc/self").is_ok_and(|process| is_root(&process)) {
        "user root;"
    } else {
        ""
    };
    let locations: String = locations.iter().map(Location::written).collect();
    format!(
        "{user}
worker_processes {cores};
daemon off;
pid {path}/nginx.pid;
error_log {path}/error.log;
events {{ worker_connections 1024; }}
http {{
    sendfile on;
    tcp_nopush on;
    default_type application/json;
    access_log {path}/access.log;
    keepalive_requests 1000000000;
    client_max_body_size 8m;
    client_body_buffer_size 2m;
    proxy_buffers 8 32k;
    client_body_temp_path {path}/client_body;
    proxy_temp_path {path}/proxy;
    fastcgi_temp_path {path}/fastcgi;
    uwsgi_temp_path {path}/uwsgi;
    scgi_temp_path {path}/scgi;
    upstream api {{
        server 127.0.0.1:{upstream_port};
        keepalive 64;
        keepalive_requests 1000000000;
    }}
    server {{
        listen 127.0.0.1:{port};
        root {path};
        {locations}
    }}
}}
"
    )
}

fn is_root(process: &fs::Metadata) -> bool {
    std::os::unix::fs::MetadataExt::uid(process) == 0
}
