//! The GitHub REST description, whole: the largest one that is public and maintained.

use anyhow::{Context, Result, ensure};
use dynmcp_harness::{Toolbox, dynmcp};
use serde_json::Value;
use std::{
    fs,
    process::Stdio,
    time::{Duration, Instant},
};
use tokio::{process::Command, time::sleep};

/// What the project promises, also for a build without optimisation.
const TIME: Duration = Duration::from_secs(10);
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
    let started = Instant::now();
    let report_file = directory.path().join("report.json");
    let mut child = import(true)?.stdout(fs::File::create(&report_file)?).spawn()?;
    let status = format!("/proc/{}/status", child.id().context("it ended at once")?);
    let mut peak = 0;
    let code = loop {
        peak = peak_kib(&status).unwrap_or(peak);
        if let Some(code) = child.try_wait()? {
            break code;
        }
        sleep(Duration::from_millis(5)).await;
    };
    let took = started.elapsed();
    ensure!(code.success(), "it ended with {code}");
    let report: Value = serde_json::from_slice(&fs::read(&report_file)?)?;
    let count = |list: &str| report[list].as_array().map_or(0, Vec::len);
    ensure!(count("skipped") == 0, "skipped: {}", report["skipped"]);
    ensure!(
        count("created") == operations,
        "{} of {operations} operations",
        count("created")
    );
    ensure!(took <= TIME, "it took {took:?}");
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

/// The most memory that the process had so far.
fn peak_kib(status: &str) -> Option<u64> {
    let text = fs::read_to_string(status).ok()?;
    let line = text.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}
