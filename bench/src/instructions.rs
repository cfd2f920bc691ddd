//! Instructions per step of a call, by callgrind: the same on a busy machine, so small differences between two commits
//! show.

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use std::{path::PathBuf, process::Command};

/// Further runs of the step between the two measurements.
const MORE: u64 = 1_000;
const FEW: u64 = 100;
const CASES: [(&str, &str); 5] = [
    ("plan_get", "validate and plan a GET with three arguments"),
    ("plan_post", "validate and plan a POST with a nested body"),
    ("shape_json", "shape an answer of 500 bytes of JSON"),
    ("shape_100k", "shape an answer of 100 KiB of JSON"),
    ("plan_and_shape", "the GET and the answer"),
];

/// Builds `mcp-core`'s bench `instructions` and prints a table.
pub(crate) fn run() -> Result<()> {
    let program = build()?;
    println!("| | instructions |\n|---|---:|");
    for (case, title) in CASES {
        let few = count(&program, case, FEW)?;
        let more = count(&program, case, FEW + MORE)?;
        println!("| {title} | {} |", (more - few) / MORE);
    }
    Ok(())
}

fn build() -> Result<PathBuf> {
    // Dependencies as they are in development: they do not change with the commits that are compared, and are built already.
    let output = Command::new(env!("CARGO"))
        .args(["build", "-p", "mcp-core", "--bench", "instructions"])
        .args(["--config", "profile.dev.package.mcp-core.opt-level=3"])
        .args(["--config", "profile.dev.package.memchr.opt-level=3"])
        .arg("--message-format=json-render-diagnostics")
        .stderr(std::process::Stdio::inherit())
        .output()?;
    ensure!(output.status.success(), "the bench does not build");
    let messages = String::from_utf8(output.stdout)?;
    let mut built = messages
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|message| message["target"]["name"] == "instructions")
        .filter_map(|message| message["executable"].as_str().map(PathBuf::from));
    built.next().context("cargo names no executable")
}

fn count(program: &PathBuf, case: &str, count: u64) -> Result<u64> {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(program)
        .args([case, &count.to_string()])
        .output()
        .context("valgrind is not installed")?;
    let said = String::from_utf8_lossy(&output.stderr);
    // `==4711== Collected : 123456`
    let collected = said.lines().find_map(|line| line.split_once("Collected : "));
    match collected {
        Some((_, number)) if output.status.success() => Ok(number.trim().parse()?),
        _ => bail!("callgrind failed: {said}"),
    }
}
