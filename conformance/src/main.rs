//! `cargo xtask conformance`: all suites against the gateway's own tools, one table; and through it to other servers, another.
#![expect(clippy::print_stdout, reason = "the table is what it is run for")]

use anyhow::{Result, ensure};
use dynmcp_conformance::{Report, Subject, Suite, matrix::Cell, run};

#[tokio::main]
async fn main() -> Result<()> {
    let verbose = std::env::args().any(|argument| argument == "--verbose");
    let only_matrix = std::env::args().any(|argument| argument == "--matrix");
    let mut details = Vec::new();
    if !only_matrix {
        suites(verbose, &mut details).await?;
    }
    matrix(verbose, &mut details).await?;
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

async fn suites(verbose: bool, details: &mut Vec<String>) -> Result<()> {
    let subject = Subject::start().await?;
    println!("| suite | checks passed | failed | expected failures | verdict |");
    println!("|---|---|---|---|---|");
    for suite in Suite::ALL {
        let report = run(&subject, suite).await?;
        let (title, passed, failed, expected) =
            (suite.title(), report.passed, report.failed, report.expected);
        println!(
            "| {title} | {passed} | {failed} | {expected} | {} |",
            verdict(&report)
        );
        note(&title, &report, verbose, details);
    }
    Ok(())
}

async fn matrix(verbose: bool, details: &mut Vec<String>) -> Result<()> {
    println!(
        "\n| through the gateway | checks passed | failed | expected failures | directly passed | failed | verdict |"
    );
    println!("|---|---|---|---|---|---|---|");
    let wanted = std::env::args().find_map(|argument| Some(argument.strip_prefix("--cell=")?.to_owned()));
    let is_wanted = |cell: &Cell| wanted.as_ref().is_none_or(|name| name == cell.name);
    for cell in Cell::MATRIX.into_iter().filter(is_wanted) {
        let direct = cell.directly().await?;
        let report = cell.through_a_gateway().await?;
        println!(
            "| {} | {} | {} | {} | {} | {} | {} |",
            cell.title(),
            report.passed,
            report.failed,
            report.expected,
            direct.passed,
            direct.failed,
            verdict(&report)
        );
        note(cell.name, &report, verbose, details);
    }
    Ok(())
}

fn verdict(report: &Report) -> &'static str {
    match report.problems.is_empty() {
        true => "ok",
        false => "FAILED",
    }
}

fn note(title: &str, report: &Report, verbose: bool, details: &mut Vec<String>) {
    let problems = report.problems.iter();
    details.extend(problems.map(|problem| format!("{title}: {problem}")));
    if verbose {
        println!("{}", report.output);
    }
}
