//! `examples/company-login`: run as a reader runs it, then people log in to it with clients that are told nothing but the URL.

use crate::login::{log_in_at, python, typescript};
use anyhow::{Context, Result, ensure};
use dynmcp_harness::{Toolbox, dynmcp};
use std::{net::TcpListener, process::Stdio, time::Duration};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
    time::timeout,
};

const WHOLE_RUN: Duration = Duration::from_secs(120);

/// The example, staying up, and what it said before.
struct Example {
    script: Child,
    said: String,
    url: String,
}

impl Example {
    async fn start(toolbox: &Toolbox) -> Result<Self> {
        let free = || anyhow::Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port());
        let (port, issuer) = (free()?, free()?);
        let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
        let mut script = Command::new("sh")
            .arg(format!("{root}/examples/company-login/run.sh"))
            .arg("--stay")
            .env("DYNMCP", dynmcp()?)
            .env("NODE", toolbox.node())
            .env("PROVIDER_TOOLS", toolbox.provider()?)
            .env("PORT", port.to_string())
            .env("ISSUER_PORT", issuer.to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .kill_on_drop(true)
            .spawn()?;
        let mut lines = BufReader::new(script.stdout.take().context("no output")?).lines();
        let mut said = String::new();
        let reading = async {
            while let Some(line) = lines.next_line().await? {
                said.push_str(&line);
                said.push('\n');
                if line.contains("is up: log in") {
                    return Ok(());
                }
            }
            anyhow::bail!("it ended")
        };
        let read = timeout(WHOLE_RUN, reading)
            .await
            .context("it does not come so far")?;
        read.with_context(|| said.clone())?;
        Ok(Self {
            script,
            said,
            url: format!("http://127.0.0.1:{port}/mcp/desk"),
        })
    }

    /// As Ctrl-C does, so that the script ends what it began.
    async fn stop(mut self) -> Result<()> {
        let id = self.script.id().context("it has ended")?.to_string();
        Command::new("kill").args(["-s", "TERM", &id]).status().await?;
        timeout(WHOLE_RUN, self.script.wait()).await??;
        Ok(())
    }
}

#[tokio::test]
async fn programs_and_people_come_in_with_the_companys_account() -> Result<()> {
    let toolbox = Toolbox::open()?;
    let example = Example::start(&toolbox).await?;
    let said = &example.said;
    let metadata = example
        .url
        .replace("/mcp/", "/.well-known/oauth-protected-resource/mcp/");
    for expected in [
        &*format!("resource_metadata=\"{metadata}\""),
        "\"authorization_servers\":",
        "\"name\":\"get_order\"",
        "200 {\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"content\":[{\"type\":\"text\",\"text\":\"get_order\"}]",
        "Unknown tool: drop_orders",
        "\n401 ",
    ] {
        ensure!(said.contains(expected), "without {expected}:\n{said}");
    }
    ensure!(!said.contains("\"name\":\"drop_orders\""), "{said}");
    // People: a client registers by itself, and opens a page to log in.
    log_in_at(
        &mut typescript(&toolbox),
        &example.url,
        "lead",
        "get_order,drop_orders",
    )
    .await
    .context("TypeScript")?;
    log_in_at(
        &mut python(&toolbox),
        &example.url,
        "lead",
        "get_order,drop_orders",
    )
    .await
    .context("Python")?;
    example.stop().await
}
