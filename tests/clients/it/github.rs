//! The GitHub REST description, whole: the largest one that is public and maintained.

use anyhow::{Context, Result, ensure};
use dynmcp_harness::{Toolbox, dynmcp};
use serde_json::Value;
use std::{fs, process::Stdio, time::Duration};
use tokio::{process::Command, time::sleep};

/// What the project promises, also for a build without optimisation: of one processor, whatever else the machine does.
const TIME: Duration = Duration::from_secs(10);
/// How the system counts time.
const TICKS_PER_SECOND: f64 = 100.0;
const MEMORY_KIB: u64 = 500 * 1024;

#[tokio::test]
async fn imports_without_a_skipped_operation() -> Result<()> {
    let document = Toolbox::open()?.node_module("@octokit/openapi/generated/api.github.com.json");
    ensure!(
        document.exists(),
        "{} is missing: `cargo xtask test` installs what this test needs",
        document.display()
    );
    let description: Value = serde_json::from_slice(&fs::read(&document)?)?;
    let operations = operations(&description);
    ensure!(
        operations > 1_000,
        "only {operations} operations: another document than expected"
    );

    let directory = tempfile::tempdir()?;
    let import = |dry_run: bool| {
        let mut command = Command::new(dynmcp()?);
        command.args(["import", "openapi"]).arg(&document);
        command.args(["--instance", "github", "--format", "json"]);
        if dry_run {
            command.arg("--dry-run");
        }
        command
            .current_dir(directory.path())
            .stdin(Stdio::null())
            .kill_on_drop(true);
        anyhow::Ok(command)
    };
    let report_file = directory.path().join("report.json");
    let mut child = import(true)?.stdout(fs::File::create(&report_file)?).spawn()?;
    let process = format!("/proc/{}", child.id().context("it ended at once")?);
    let (mut peak, mut took) = (0, Duration::ZERO);
    let code = loop {
        peak = peak_kib(&format!("{process}/status")).unwrap_or(peak);
        took = worked(&format!("{process}/stat")).unwrap_or(took);
        if let Some(code) = child.try_wait()? {
            break code;
        }
        sleep(Duration::from_millis(5)).await;
    };
    ensure!(code.success(), "it ended with {code}");
    let report: Value = serde_json::from_slice(&fs::read(&report_file)?)?;
    let count = |list: &str| report[list].as_array().map_or(0, Vec::len);
    ensure!(count("skipped") == 0, "skipped: {}", report["skipped"]);
    ensure!(
        count("created") == operations,
        "{} of {operations} operations",
        count("created")
    );
    ensure!(!took.is_zero() && took <= TIME, "it took {took:?}");
    ensure!(peak > 0 && peak <= MEMORY_KIB, "it used {peak} KiB");

    let written = import(false)?.output().await?;
    ensure!(
        written.status.success(),
        "{}",
        String::from_utf8_lossy(&written.stderr)
    );
    let again = import(false)?.output().await?;
    let again: Value = serde_json::from_slice(&again.stdout)?;
    let unchanged = again["unchanged"].as_array().map_or(0, Vec::len);
    ensure!(
        unchanged == operations,
        "the second import: {unchanged} of {operations} unchanged"
    );
    Ok(())
}

fn operations(description: &Value) -> usize {
    const METHODS: [&str; 8] = [
        "get", "put", "post", "delete", "options", "head", "patch", "trace",
    ];
    let items = description["paths"].as_object().into_iter().flatten();
    let methods = items
        .filter_map(|(_, item)| item.as_object())
        .flat_map(|item| item.keys());
    methods
        .filter(|method| METHODS.contains(&method.as_str()))
        .count()
}

/// The time that a process has had of the processors.
fn worked(stat: &str) -> Option<Duration> {
    let stat = fs::read_to_string(stat).ok()?;
    // The program's name, which may have blanks, ends at the last parenthesis.
    let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace().skip(11);
    let (user, system): (f64, f64) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
    Some(Duration::from_secs_f64((user + system) / TICKS_PER_SECOND))
}

/// The most memory that the process had so far.
fn peak_kib(status: &str) -> Option<u64> {
    let text = fs::read_to_string(status).ok()?;
    let line = text.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}
