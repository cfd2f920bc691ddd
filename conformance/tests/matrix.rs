//! The suites through a gateway to servers of every kind, one test each.

use anyhow::{Context, Result, ensure};
use dynmcp_conformance::matrix::Cell;

async fn passes(name: &str) -> Result<()> {
    let cell = Cell::MATRIX.into_iter().find(|cell| cell.name == name);
    let report = cell.context("no such cell")?.through_a_gateway().await?;
    ensure!(
        report.problems.is_empty(),
        "{name}:\n{}\n{}",
        report.problems.join("\n"),
        report.output
    );
    Ok(())
}

#[tokio::test]
async fn new_to_new() -> Result<()> {
    passes("new-to-new").await
}

#[tokio::test]
async fn old_to_old() -> Result<()> {
    passes("old-to-old").await
}

#[tokio::test]
async fn stable_to_old() -> Result<()> {
    passes("stable-to-old").await
}

#[tokio::test]
async fn old_to_1_30() -> Result<()> {
    passes("old-to-1.30").await
}

#[tokio::test]
async fn stable_to_1_30() -> Result<()> {
    passes("stable-to-1.30").await
}

#[tokio::test]
async fn new_to_old() -> Result<()> {
    passes("new-to-old").await
}

#[tokio::test]
async fn old_to_new() -> Result<()> {
    passes("old-to-new").await
}

#[tokio::test]
async fn new_to_1_30() -> Result<()> {
    passes("new-to-1.30").await
}
