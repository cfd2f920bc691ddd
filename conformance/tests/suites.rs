//! The official conformance suites, one test each.

use anyhow::{Result, ensure};
use dynmcp_conformance::{Subject, Suite, run};

async fn passes(suite: Suite) -> Result<()> {
    let subject = Subject::start().await?;
    let report = run(&subject, suite).await?;
    ensure!(
        report.problems.is_empty(),
        "{}:\n{}\n{}",
        suite.title(),
        report.problems.join("\n"),
        report.output
    );
    Ok(())
}

#[tokio::test]
async fn requirements_2026_07_28() -> Result<()> {
    passes(Suite::REQUIREMENTS_2026_07_28).await
}

#[tokio::test]
async fn all_2026_07_28() -> Result<()> {
    passes(Suite::ALL_2026_07_28).await
}

#[tokio::test]
async fn requirements_2025_11_25() -> Result<()> {
    passes(Suite::REQUIREMENTS_2025_11_25).await
}

#[tokio::test]
async fn requirements_2025_11_25_stateless() -> Result<()> {
    passes(Suite::REQUIREMENTS_2025_11_25_STATELESS).await
}

#[tokio::test]
async fn all_2025_06_18() -> Result<()> {
    passes(Suite::ALL_2025_06_18).await
}

#[tokio::test]
async fn all_2025_06_18_stateless() -> Result<()> {
    passes(Suite::ALL_2025_06_18_STATELESS).await
}

#[tokio::test]
async fn all_2025_03_26() -> Result<()> {
    passes(Suite::ALL_2025_03_26).await
}

#[tokio::test]
async fn stable_all() -> Result<()> {
    passes(Suite::STABLE_ALL).await
}

#[tokio::test]
async fn stable_all_stateless() -> Result<()> {
    passes(Suite::STABLE_ALL_STATELESS).await
}
