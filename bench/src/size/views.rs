//! A change costs its own instance a new view, and no other one.

use super::catalog;
use anyhow::{Context, Result, ensure};
use dynmcp_harness::{Gateway, Mcp};

/// Views that a gateway keeps.
const KEPT: usize = 10_000;

/// Lists every instance, changes one tool of one of them, and lists all again: one view was built for it.
pub(super) async fn stay(gateway: &Gateway, writer: &Gateway, instances: usize, tools: usize) -> Result<()> {
    ensure!(
        instances <= KEPT,
        "with more than {KEPT} instances not all views are kept"
    );
    let before = built(gateway).await?;
    list(gateway, instances).await?;
    let first = built(gateway).await?;
    let all = first - before;
    ensure!(
        all == instances,
        "{all} views were built for {instances} instances"
    );
    let document = catalog::tool(0, "Takes an order.");
    let revision = writer.admin().write("tds", &catalog::id(0), &document).await?;
    arrived(gateway, revision).await?;
    list(gateway, instances).await?;
    let again = built(gateway).await? - first;
    let touched = (0..instances)
        .filter(|instance| catalog::has_tool(*instance, 0, tools))
        .count();
    ensure!(
        again == touched,
        "{again} views were built again for a change that touches {touched}"
    );
    Ok(())
}

/// Waits until the replica serves the revision.
pub(super) async fn arrived(gateway: &Gateway, revision: u64) -> Result<()> {
    let path = format!("status?wait_revision={revision}");
    let status = gateway.admin().get(&path).await?;
    ensure!(status["revision"].as_u64() >= Some(revision), "{status}");
    Ok(())
}

async fn list(gateway: &Gateway, instances: usize) -> Result<()> {
    let mcp = Mcp::default();
    for number in 0..instances {
        let endpoint = gateway.endpoint(&format!("i{number:05}"));
        let listed = mcp.tools(&endpoint).await?.len();
        ensure!(listed == 10, "{endpoint} lists {listed} tools instead of 10");
    }
    Ok(())
}

/// How often a view was built so far.
async fn built(gateway: &Gateway) -> Result<usize> {
    let metrics = gateway.metrics().await?;
    let count = metrics
        .lines()
        .find_map(|line| line.strip_prefix("dynmcp_views_built_total "));
    Ok(count
        .context("no dynmcp_views_built_total in /metrics")?
        .parse()?)
}
