//! The servers that have everything which the conformance suite asks for: examples in the source distributions of the Python SDK,
//! of today's release and of one that knows the older revisions alone.

use super::{python, stamp::Stamp};
use crate::command::run;
use anyhow::{Context, Result};
use std::{path::Path, process::Command};

pub(super) fn install(tools: &Path, pinned: &Path) -> Result<()> {
    let old = pinned.join("requirements-old.txt");
    python::install_as(&tools.join("python-old"), &old)?;
    fetch(tools, "2.3.0", &pinned.join("requirements.txt"))?;
    fetch(tools, "1.30.0", &old)
}

fn fetch(tools: &Path, version: &str, requirements: &Path) -> Result<()> {
    let directory = tools.join(format!("everything-{version}"));
    let stamp = Stamp::new(&directory, requirements)?;
    if stamp.holds() {
        return Ok(());
    }
    println!("fetching the everything server of mcp {version}");
    stamp.clear()?;
    let mut pip = Command::new(tools.join("python/bin/python"));
    pip.args([
        "-m",
        "pip",
        "download",
        "--quiet",
        "--disable-pip-version-check",
        "--no-deps",
        "--no-binary",
        ":all:",
    ])
    .arg(format!("mcp=={version}"))
    .arg("--dest")
    .arg(&directory);
    run(&mut pip).context("the source distribution of the Python SDK cannot be fetched")?;
    let mut tar = Command::new("tar");
    tar.current_dir(&directory)
        .args(["--extract", "--strip-components", "4", "--file"])
        .arg(format!("mcp-{version}.tar.gz"))
        .arg(format!("mcp-{version}/examples/servers/everything-server"));
    run(&mut tar)?;
    stamp.set()
}
