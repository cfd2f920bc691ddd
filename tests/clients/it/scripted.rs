//! Runs a client that is a program of its own.
//!
//! It gets the URL and the key, prints `ready` when it waits for the list of tools to change, and `done` at the end.

use crate::fixture::{Shop, Way};
use anyhow::{Context, Result, bail, ensure};
use dynmcp_harness::{Gateway, dynmcp};
use std::{process::Stdio, time::Duration};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::Command,
    time::timeout,
};

const WHOLE_RUN: Duration = Duration::from_secs(90);

/// Runs `program` with the URL, the key and `arguments` after its own arguments.
pub(crate) async fn drive(shop: &Shop, way: Way, program: &mut Command, arguments: &[&str]) -> Result<()> {
    let mut client = program
        .args([shop.url_of(way).as_str(), Gateway::KEY])
        .args(arguments)
        .env("WAY", way.name())
        .env("DYNMCP", dynmcp()?)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let stdout = client.stdout.take().context("no stdout")?;
    let mut lines = BufReader::new(stdout).lines();
    let conversation = async {
        let mut done = false;
        while let Some(line) = lines.next_line().await? {
            match line.as_str() {
                "ready" => shop.add_late_tool().await?,
                "done" => done = true,
                other => bail!("unexpected output: {other}"),
            }
        }
        Ok(done)
    };
    let run = async { tokio::join!(conversation, client.wait_with_output()) };
    let (conversation, output) = timeout(WHOLE_RUN, run).await.context("the client hangs")?;
    let output = output?;
    let complaints = String::from_utf8_lossy(&output.stderr);
    let done = conversation.context(log_of(shop))?;
    if !output.status.success() {
        bail!(
            "the client failed with {}:\n{complaints}\n{}",
            output.status,
            log_of(shop)
        );
    }
    ensure!(done, "the client ended before it was done:\n{complaints}");
    shop.check_log().await
}

fn log_of(shop: &Shop) -> String {
    let output = shop.gateway.output();
    let lines: Vec<_> = output.lines().collect();
    format!(
        "the gateway's last lines:\n{}",
        lines[lines.len().saturating_sub(30)..].join("\n")
    )
}
