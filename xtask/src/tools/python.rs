//! Virtual environments: with the Python client, and with an older release of it.

use super::stamp::Stamp;
use crate::command::run;
use anyhow::{Context, Result};
use std::{path::Path, process::Command};

pub(super) fn install(tools: &Path, pinned: &Path) -> Result<()> {
    install_as(&tools.join("python"), &pinned.join("requirements.txt"))
}

/// An environment of its own with what the file names, which is all that is needed.
pub(super) fn install_as(directory: &Path, requirements: &Path) -> Result<()> {
    let stamp = Stamp::new(directory, requirements)?;
    if stamp.holds() {
        return Ok(());
    }
    println!("installing the Python packages of {}", requirements.display());
    stamp.clear()?;
    run(Command::new("python3").args(["-m", "venv"]).arg(directory))?;
    let mut pip = Command::new(directory.join("bin/python"));
    pip.args([
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--no-deps",
        "--requirement",
    ])
    .arg(requirements);
    run(&mut pip)
        .context("the Python packages of the tests cannot be installed (Python 3.10 or newer is needed)")?;
    stamp.set()
}
