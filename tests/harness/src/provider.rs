//! An identity provider of others, as a process: `oidc-provider` for Node.js.

use crate::{Toolbox, toolbox::workspace};
use anyhow::{Context, Result, ensure};
use std::{net::TcpListener, process::Stdio, time::Duration};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
    time::timeout,
};

/// How long its start may take on a busy machine.
const START: Duration = Duration::from_secs(60);

/// A running provider. Dropping it ends the process.
pub struct Provider {
    port: u16,
    child: Child,
}

impl Provider {
    /// Starts one that signs with a new key of this name.
    pub async fn start(algorithm: &str, kid: &str) -> Result<Self> {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        Self::start_at(port, algorithm, kid).await
    }

    /// The same on the port of one that has ended: the same issuer with another key.
    pub async fn start_at(port: u16, algorithm: &str, kid: &str) -> Result<Self> {
        let toolbox = Toolbox::open()?;
        let mut child = Command::new(toolbox.node())
            .arg(workspace().join("tests/clients/login/provider.mjs"))
            .args([&port.to_string(), algorithm, kid])
            .env("PROVIDER_TOOLS", toolbox.provider()?)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .kill_on_drop(true)
            .spawn()?;
        let output = child.stdout.take().context("no output")?;
        let mut lines = BufReader::new(output).lines();
        let first = timeout(START, lines.next_line())
            .await
            .context("the provider does not start")??;
        ensure!(
            first.as_deref() == Some("listening"),
            "the provider says {first:?}"
        );
        // It says more later, and ends where nobody takes it.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Ok(Self { port, child })
    }

    /// `iss` of its tokens.
    pub fn issuer(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Ends it.
    pub async fn stop(mut self) -> Result<()> {
        Ok(self.child.kill().await?)
    }
}
