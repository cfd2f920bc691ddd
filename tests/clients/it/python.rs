//! `mcp` from PyPI.

use crate::{
    fixture::{OLD, STATEFUL, STATELESS, Shop, Way},
    scripted::drive,
};
use anyhow::Result;
use dynmcp_harness::Toolbox;
use tokio::process::Command;

async fn run(proto_type: &'static str, arguments: &[&str]) -> Result<()> {
    run_over(Way::Http, proto_type, arguments).await
}

async fn run_over(way: Way, proto_type: &'static str, arguments: &[&str]) -> Result<()> {
    let toolbox = Toolbox::open()?;
    let shop = Shop::open(proto_type).await?;
    let mut client = Command::new(toolbox.python());
    client.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/python/driver.py"));
    drive(&shop, way, &mut client, arguments).await
}

#[tokio::test]
async fn default_mode() -> Result<()> {
    run(STATELESS, &["auto", "wait"]).await
}

// Without a session this client opens no stream for notifications.
#[tokio::test]
async fn legacy() -> Result<()> {
    run(STATELESS, &["legacy", "no-wait"]).await
}

#[tokio::test]
async fn legacy_with_sessions() -> Result<()> {
    run(STATEFUL, &["legacy", "wait"]).await
}

#[tokio::test]
async fn pinned_to_2026_07_28() -> Result<()> {
    run(STATELESS, &["2026-07-28", "wait"]).await
}

// The bridge opens the stream that this client does not.
#[tokio::test]
async fn as_a_program() -> Result<()> {
    run_over(Way::Stdio, STATELESS, &["auto", "wait"]).await
}

#[tokio::test]
async fn legacy_as_a_program() -> Result<()> {
    run_over(Way::Stdio, STATELESS, &["legacy", "wait"]).await
}

#[tokio::test]
async fn legacy_with_sessions_as_a_program() -> Result<()> {
    run_over(Way::Stdio, STATEFUL, &["legacy", "wait"]).await
}

#[tokio::test]
async fn over_http_and_sse() -> Result<()> {
    run_over(Way::Sse, OLD, &["legacy", "wait"]).await
}
