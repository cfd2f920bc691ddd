//! The everything servers of two releases of the Python SDK behind a gateway, used by real clients of both eras: what the servers ask
//! reaches the client, whichever era each of them speaks.

use anyhow::{Context, Result, ensure};
use dynmcp_harness::{Gateway, Toolbox, dynmcp};
use serde_json::json;
use std::{
    net::TcpListener,
    path::PathBuf,
    process::Stdio,
    time::{Duration, Instant},
};
use tokio::{
    process::{Child, Command},
    time::{sleep, timeout},
};

/// How long servers may take to start, and clients to be done, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(90);

/// By requests of its own, and by results.
const ELICITS: &str = "test_elicitation";
const REQUIRES: &str = "test_input_required_result_elicitation";

/// A server behind a gateway.
struct Setting {
    gateway: Gateway,
    _server: Child,
}

impl Setting {
    /// `release` is that of the server's SDK, `era` how the gateway speaks to it.
    async fn open(release: &str, era: &str) -> Result<Self> {
        let toolbox = Toolbox::open()?;
        let python = if release == "1.30.0" {
            toolbox.old_python()
        } else {
            toolbox.python()
        };
        let folder = toolbox.everything(release);
        ensure!(
            folder.exists() && python.exists(),
            "{} is missing: `cargo xtask test` installs what this test needs",
            folder.display()
        );
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let server = Command::new(python)
            .args([
                "-m",
                "mcp_everything_server.server",
                "--log-level",
                "ERROR",
                "--port",
            ])
            .arg(port.to_string())
            .env("PYTHONPATH", folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()?;
        let gateway = Gateway::start().await?;
        let upstream = json!({"url": format!("http://127.0.0.1:{port}/mcp"), "era": era});
        gateway.admin().write("uds", "everything", &upstream).await?;
        let instance = json!({
            "name": "Everything", "auth": "none", "include": {"upstreams": ["everything"]},
            "metadata": {"proto_type": "streamable-stateful"},
        });
        gateway.admin().put_instance("everything", &instance).await?;
        let until = Instant::now() + PATIENCE;
        loop {
            let states = gateway.admin().get("upstreams").await?;
            if states[0]["state"] == "ready" {
                break;
            }
            ensure!(Instant::now() < until, "the server does not come: {states}");
            sleep(Duration::from_millis(50)).await;
        }
        Ok(Self {
            gateway,
            _server: server,
        })
    }

    /// Runs both clients in both eras.
    async fn used_by_all(self, asking: &str) -> Result<()> {
        let toolbox = Toolbox::open()?;
        let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
        let bridge = dynmcp()?;
        let clients = [
            (toolbox.python(), here.join("python/everything.py"), None),
            (toolbox.python(), here.join("python/everything.py"), Some(bridge)),
            (toolbox.node(), here.join("typescript/everything.mjs"), None),
        ];
        for (program, script, bridge) in clients {
            for mode in ["legacy", "2026-07-28"] {
                let run = Command::new(&program)
                    .envs(bridge.iter().map(|bridge| ("DYNMCP", bridge)))
                    .arg(&script)
                    .arg(self.gateway.endpoint("everything"))
                    .args([mode, asking])
                    .env("NODE_TOOLS", toolbox.node_packages())
                    .stdin(Stdio::null())
                    .kill_on_drop(true)
                    .output();
                let output = timeout(PATIENCE, run).await.context("the client hangs")??;
                ensure!(
                    output.status.success() && output.stdout == b"done\n",
                    "{} {mode}:\n{}{}\n{}",
                    script.display(),
                    String::from_utf8_lossy(&output.stdout),
                    String::from_utf8_lossy(&output.stderr),
                    self.gateway.output()
                );
            }
        }
        self.gateway.stop().await
    }
}

#[tokio::test]
async fn a_server_that_asks_by_requests() -> Result<()> {
    Setting::open("2.3.0", "legacy").await?.used_by_all(ELICITS).await
}

#[tokio::test]
async fn a_server_that_asks_by_results() -> Result<()> {
    Setting::open("2.3.0", "modern")
        .await?
        .used_by_all(REQUIRES)
        .await
}

#[tokio::test]
async fn a_server_that_knows_the_older_revisions_alone() -> Result<()> {
    Setting::open("1.30.0", "auto").await?.used_by_all(ELICITS).await
}
