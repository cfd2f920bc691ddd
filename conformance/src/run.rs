//! Runs one suite and reads what it says.

use crate::{ExpectedFailures, Subject, Suite};
use anyhow::{Context, Result, ensure};
use dynmcp_harness::Toolbox;
use std::{fs, path::Path, process::Stdio, time::Duration};
use tokio::{process::Command, time::timeout};

const WHOLE_RUN: Duration = Duration::from_secs(600);

/// What came of one suite.
pub struct Report {
    /// Checks.
    pub passed: usize,
    /// Checks.
    pub failed: usize,
    /// Entries of the file of expected failures that failed.
    pub expected: usize,
    /// What makes the run a failure; empty if all is well.
    pub problems: Vec<String>,
    /// Everything the harness printed.
    pub output: String,
}

/// Runs `suite` against `subject`.
pub async fn run(subject: &Subject, suite: Suite) -> Result<Report> {
    let expected = ExpectedFailures::read(suite.expected_failures)?;
    let url = subject.gateway.endpoint(suite.flavour.as_str());
    measure(&url, suite.package, suite.arguments, &suite.slug(), &expected).await
}

/// Runs what `arguments` say against a server; `slug` names the place of its results.
pub async fn measure(
    url: &str,
    package: &str,
    arguments: &[&str],
    slug: &str,
    expected: &ExpectedFailures,
) -> Result<Report> {
    // One of the scenarios wants to know whether the server tells `localhost` from a foreign name.
    let url = url.replace("127.0.0.1", "localhost");
    let all = [&["server", "--url", &url], arguments].concat();
    harness(package, &all, &[], slug, expected).await
}

/// Runs the harness, and reads what it says.
pub(crate) async fn harness(
    package: &str,
    arguments: &[&str],
    variables: &[(&str, String)],
    slug: &str,
    expected: &ExpectedFailures,
) -> Result<Report> {
    let toolbox = Toolbox::open()?;
    let results = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../target/conformance")
        .join(slug);
    if results.exists() {
        fs::remove_dir_all(&results)?;
    }
    fs::create_dir_all(&results)?;
    let baseline = results.join("expected-failures.yml");
    fs::write(&baseline, expected.to_yaml())?;
    let run = Command::new(toolbox.node())
        .arg(toolbox.node_module(package).join("dist/index.js"))
        .args(arguments)
        .envs(variables.iter().map(|(name, value)| (*name, value)))
        .arg("--expected-failures")
        .arg(&baseline)
        .arg("--output-dir")
        .arg(&results)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = timeout(WHOLE_RUN, run)
        .await
        .context("the conformance harness hangs")??;
    let text = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    read(text, output.status.success(), expected)
}

fn read(output: String, succeeded: bool, expected: &ExpectedFailures) -> Result<Report> {
    let (_, summary) = output
        .split_once("SUMMARY ===")
        .with_context(|| format!("no summary:\n{output}"))?;
    let total = summary
        .lines()
        .find_map(|line| line.strip_prefix("Total: "))
        .context("no total")?;
    let mut numbers = total
        .split([' ', ','])
        .filter_map(|word| word.parse::<usize>().ok());
    let (passed, failed) = (
        numbers.next().context("no total")?,
        numbers.next().context("no total")?,
    );
    ensure!(passed > 0, "nothing was checked:\n{summary}");

    let (_, verdict) = summary.split_once("Total: ").unwrap_or_default();
    let marked = |mark: &str| -> Vec<&str> {
        verdict
            .lines()
            .filter_map(|line| line.strip_prefix("  ")?.strip_prefix(mark))
            .map(str::trim)
            .collect()
    };
    let met = marked("~ ");
    let mut problems = Vec::new();
    problems.extend(marked("✗ ").iter().map(|entry| format!("{entry} fails")));
    problems.extend(
        marked("✓ ")
            .iter()
            .map(|entry| format!("{entry} passes now: remove it from the list")),
    );
    // The harness lets an entry pass that names nothing it ran.
    let unknown = expected
        .entries
        .iter()
        .filter(|entry| !met.contains(&entry.as_str()));
    problems.extend(unknown.map(|entry| format!("{entry} is expected to fail, and did not")));
    if !succeeded && problems.is_empty() {
        problems.push("the harness ended with an error".to_owned());
    }
    Ok(Report {
        passed,
        failed,
        expected: met.len(),
        problems,
        output,
    })
}

#[cfg(test)]
mod tests {
    use super::{Report, read};
    use crate::ExpectedFailures;

    fn report(verdict: &str, succeeded: bool, entries: &[&str]) -> Report {
        let output =
            format!("…\n=== SUMMARY ===\n✗ a: 1 passed, 1 failed\n\nTotal: 12 passed, 3 failed\n\n{verdict}");
        let entries = entries.iter().map(|entry| (*entry).to_owned()).collect();
        read(output, succeeded, &ExpectedFailures::of_server(entries)).expect("a summary")
    }

    #[test]
    fn expected_failures_are_no_problem() {
        let report = report(
            "Expected failures (in baseline):\n  ~ a\n  ~ b:check\n",
            true,
            &["a", "b:check"],
        );
        assert_eq!((report.passed, report.failed, report.expected), (12, 3, 2));
        assert!(report.problems.is_empty(), "{:?}", report.problems);
    }

    #[test]
    fn new_failures_and_stale_entries_are() {
        let verdict = "Stale baseline entries (now passing - remove from baseline):\n  ✓ a\n\nUnexpected failures:\n  ✗ c\n";
        let report = report(verdict, false, &[]);
        assert_eq!(
            report.problems,
            ["c fails", "a passes now: remove it from the list"]
        );
    }

    #[test]
    fn an_entry_that_names_nothing_is() {
        let report = report(
            "Expected failures (in baseline):\n  ~ a\n",
            true,
            &["a", "no-such-scenario"],
        );
        assert_eq!(
            report.problems,
            ["no-such-scenario is expected to fail, and did not"]
        );
    }

    #[test]
    fn an_error_without_a_reason_is() {
        assert_eq!(
            report("", false, &[]).problems,
            ["the harness ended with an error"]
        );
    }
}
