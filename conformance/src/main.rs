//! `cargo xtask conformance`: all suites against the gateway's own tools, one table; through it to other servers, another; and the suites for
//! clients, a third. With `drive` it is what the harness calls a client.
#![expect(clippy::print_stdout, reason = "the table is what it is run for")]

use anyhow::{Result, ensure};
use dynmcp_conformance::{ClientSuite, Report, Subject, Suite, drive, matrix::Cell, run};

#[tokio::main]
async fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    if arguments.next().as_deref() == Some("drive") {
        return drive(&arguments.next().unwrap_or_default()).await;
    }
    let verbose = std::env::args().any(|argument| argument == "--verbose");
    let only_matrix = std::env::args().any(|argument| argument == "--matrix");
    let only_client = std::env::args().any(|argument| argument == "--client");
    let mut details = Vec::new();
    if !only_matrix && !only_client {
        suites(verbose, &mut details).await?;
    }
    if !only_client {
        matrix(verbose, &mut details).await?;
    }
    if !only_matrix {
        clients(verbose, &mut details).await?;
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

async fn clients(verbose: bool, details: &mut Vec<String>) -> Result<()> {
    println!("\n| as a client | checks passed | failed | expected failures | verdict |");
    println!("|---|---|---|---|---|");
    let driver = std::env::current_exe()?;
    for suite in ClientSuite::ALL {
        let report = suite.run(&driver).await?;
        let (passed, failed, expected) = (report.passed, report.failed, report.expected);
        println!(
            "| {} | {passed} | {failed} | {expected} | {} |",
            suite.title(),
            verdict(&report)
        );
        note(&suite.title(), &report, verbose, details);
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
