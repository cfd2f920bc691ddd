//! Servers that have everything which the suites ask for.

use anyhow::{Context, Result, ensure};
use dynmcp_harness::Toolbox;
use std::{
    net::{TcpListener, TcpStream},
    process::Stdio,
    time::{Duration, Instant},
};
use tokio::{
    process::{Child, Command},
    time::sleep,
};

/// How long a server may take to start on a busy machine.
const START: Duration = Duration::from_secs(60);

/// The releases of the Python SDK whose everything server is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Release {
    /// 2.3.0: every revision on one URL.
    Current,
    /// 1.30.0: 2025-11-25 and before.
    Old,
}

/// One of them; it ends with the value.
pub(crate) struct Everything {
    _process: Child,
    /// Its endpoint.
    pub(crate) url: String,
}

impl Everything {
    /// Starts it and waits until it listens.
    pub(crate) async fn start(release: Release) -> Result<Self> {
        let toolbox = Toolbox::open()?;
        let (python, folder) = match release {
            Release::Current => (toolbox.python(), toolbox.everything("2.3.0")),
            Release::Old => (toolbox.old_python(), toolbox.everything("1.30.0")),
        };
        for needed in [&python, &folder] {
            ensure!(
                needed.exists(),
                "{} is missing: `cargo xtask conformance` installs what this needs",
                needed.display()
            );
        }
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let process = Command::new(python)
            .args([
                "-m",
                "mcp_everything_server.server",
                "--log-level",
                "ERROR",
                "--port",
            ])
            .arg(address.port().to_string())
            .env("PYTHONPATH", folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()?;
        let until = Instant::now() + START;
        while let Err(error) = TcpStream::connect(address) {
            if Instant::now() > until {
                return Err(error).context("the everything server does not listen");
            }
            sleep(Duration::from_millis(50)).await;
        }
        Ok(Self {
            _process: process,
            url: format!("http://{address}/mcp"),
        })
    }
}
