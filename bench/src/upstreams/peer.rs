//! FastMCP as a proxy, where it is installed.

use super::site::is_answer;
use crate::{contender::first_answer, cpu, request::Request};
use anyhow::{Result, ensure};
use std::{
    io,
    net::TcpListener,
    process::Stdio,
    time::{Duration, Instant},
};
use tokio::{
    process::{Child, Command},
    time::sleep,
};

/// Python takes its time to start.
const START: Duration = Duration::from_secs(60);

/// A running one, in front of one server.
pub(super) struct Peer {
    child: Child,
    pub(super) port: u16,
    pub(super) answer: Vec<u8>,
}

impl Peer {
    /// `None` where there is none. `request` is the call that it has to pass on.
    pub(super) async fn start(url: &str, request: &impl Fn(u16) -> Request) -> Result<Option<Self>> {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let started = Command::new("fastmcp")
            .args([
                "run",
                url,
                "--transport",
                "http",
                "--path",
                "/mcp/modern",
                "--no-banner",
            ])
            .args(["--log-level", "ERROR", "--port", &port.to_string()])
            // Answers as JSON, as everybody else's are.
            .env("FASTMCP_JSON_RESPONSE", "true")
            .env("FASTMCP_CHECK_FOR_UPDATES", "off")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn();
        let child = match started {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            started => started?,
        };
        let mut peer = Self {
            child,
            port,
            answer: Vec::new(),
        };
        let begun = Instant::now();
        loop {
            let answer = first_answer(port, &request(port)).await;
            if let Ok(answer) = answer {
                is_answer(&answer)?;
                peer.answer = answer;
                return Ok(Some(peer));
            }
            if let Some(status) = peer.child.try_wait()? {
                anyhow::bail!("it ended with {status}");
            }
            ensure!(begun.elapsed() < START, "it does not answer");
            sleep(Duration::from_millis(200)).await;
        }
    }

    pub(super) fn pids(&self) -> Vec<u32> {
        let all = self.child.id().map(|pid| [vec![pid], cpu::all_children(pid)]);
        all.map(|all| all.concat()).unwrap_or_default()
    }
}
