//! `cargo xtask conformance`: all suites, one table.
#![expect(clippy::print_stdout, reason = "the table is what it is run for")]

use anyhow::{Result, ensure};
use dynmcp_conformance::{Subject, Suite, run};

#[tokio::main]
async fn main() -> Result<()> {
    let subject = Subject::start().await?;
    let verbose = std::env::args().any(|argument| argument == "--verbose");
    let mut details = Vec::new();
    println!("| suite | checks passed | failed | expected failures | verdict |");
    println!("|---|---|---|---|---|");
    for suite in Suite::ALL {
        let report = run(&subject, suite).await?;
        let verdict = if report.problems.is_empty() {
            "ok"
        } else {
            "FAILED"
        };
        let (title, passed, failed, expected) =
            (suite.title(), report.passed, report.failed, report.expected);
        println!("| {title} | {passed} | {failed} | {expected} | {verdict} |");
        details.extend(
            report
                .problems
                .iter()
                .map(|problem| format!("{title}: {problem}")),
        );
        if verbose {
            println!("{}", report.output);
        }
    }
    for problem in &details {
        println!("{problem}");
    }
    ensure!(
        details.is_empty(),
        "{} problems; the results of every check are in target/conformance",
        details.len()
    );
    Ok(())
}
