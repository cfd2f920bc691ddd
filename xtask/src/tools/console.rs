//! What builds and tests the console: the packages that its lock file pins, beside its sources.

use super::stamp::Stamp;
use crate::command::run;
use anyhow::{Context, Result};
use std::{path::Path, process::Command};

pub(super) fn install(console: &Path) -> Result<()> {
    let stamp = Stamp::new(&console.join("node_modules"), &console.join("package-lock.json"))?;
    if stamp.holds() {
        return Ok(());
    }
    println!("installing the Node.js packages of {}", console.display());
    stamp.clear()?;
    let mut npm = Command::new("npm");
    npm.args([
        "ci",
        "--ignore-scripts",
        "--no-audit",
        "--no-fund",
        "--loglevel=error",
    ])
    .current_dir(console);
    run(&mut npm).context("the Node.js packages of the console cannot be installed")?;
    stamp.set()
}
