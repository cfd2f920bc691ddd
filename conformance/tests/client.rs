//! The suites for clients, one test each: the gateway is the client.

use anyhow::{Context, Result, ensure};
use dynmcp_conformance::ClientSuite;
use std::path::Path;

async fn passes(name: &str) -> Result<()> {
    let suite = ClientSuite::ALL.into_iter().find(|suite| suite.name == name);
    let driver = Path::new(env!("CARGO_BIN_EXE_dynmcp-conformance"));
    let report = suite.context("no such suite")?.run(driver).await?;
    ensure!(
        report.problems.is_empty(),
        "{name}:\n{}\n{}",
        report.problems.join("\n"),
        report.output
    );
    Ok(())
}

#[tokio::test]
async fn requirements_2026_07_28() -> Result<()> {
    passes("2026-07-28").await
}

#[tokio::test]
async fn requirements_2025_11_25() -> Result<()> {
    passes("2025-11-25").await
}

#[tokio::test]
async fn extensions_of_authorization() -> Result<()> {
    passes("extensions").await
}

#[tokio::test]
async fn what_there_was_before_metadata() -> Result<()> {
    passes("backcompat").await
}
