//! `@modelcontextprotocol/client`.

use crate::{
    fixture::{OLD, STATEFUL, STATELESS, Shop, Way},
    scripted::drive,
};
use anyhow::Result;
use dynmcp_harness::Toolbox;
use tokio::process::Command;

async fn run(proto_type: &'static str, mode: &str) -> Result<()> {
    run_over(Way::Http, proto_type, mode).await
}

async fn run_over(way: Way, proto_type: &'static str, mode: &str) -> Result<()> {
    let toolbox = Toolbox::open()?;
    let shop = Shop::open(proto_type).await?;
    let mut client = Command::new(toolbox.node());
    client.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/typescript/driver.mjs"));
    client.env("NODE_TOOLS", toolbox.node_packages());
    drive(&shop, way, &mut client, &[mode]).await
}

#[tokio::test]
async fn default_mode() -> Result<()> {
    run(STATELESS, "legacy").await
}

#[tokio::test]
async fn default_mode_with_sessions() -> Result<()> {
    run(STATEFUL, "legacy").await
}

#[tokio::test]
async fn auto() -> Result<()> {
    run(STATELESS, "auto").await
}

#[tokio::test]
async fn auto_with_sessions_for_others() -> Result<()> {
    run(STATEFUL, "auto").await
}

#[tokio::test]
async fn pinned_to_2026_07_28() -> Result<()> {
    run(STATELESS, "2026-07-28").await
}

#[tokio::test]
async fn auto_as_a_program() -> Result<()> {
    run_over(Way::Stdio, STATELESS, "auto").await
}

#[tokio::test]
async fn default_mode_with_sessions_as_a_program() -> Result<()> {
    run_over(Way::Stdio, STATEFUL, "legacy").await
}

#[tokio::test]
async fn over_http_and_sse() -> Result<()> {
    run_over(Way::Sse, OLD, "legacy").await
}

// Its transport shows no key.
#[tokio::test]
async fn an_older_client_over_a_websocket() -> Result<()> {
    let toolbox = Toolbox::open()?;
    let shop = Shop::open(STATELESS).await?;
    shop.open_to_everybody().await?;
    let mut client = Command::new(toolbox.node());
    client.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/typescript/websocket.mjs"));
    client.env("NODE_TOOLS", toolbox.node_packages());
    drive(&shop, Way::WebSocket, &mut client, &[]).await
}
