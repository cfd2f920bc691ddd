//! cargo-deny, built from the crates registry.

use crate::command::{run, succeeds};
use anyhow::{Context, Result};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

const VERSION: &str = "0.20.2";

/// The program, built if it is not there in this version.
pub(super) fn install(tools: &Path) -> Result<PathBuf> {
    let directory = tools.join("cargo-deny").join(VERSION);
    let program = directory.join("bin/cargo-deny");
    if succeeds(&program.to_string_lossy(), &["--version"]) {
        return Ok(program);
    }
    println!("installing cargo-deny {VERSION}");
    fs::create_dir_all(&directory)?;
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut build = Command::new(cargo);
    // Unoptimized, it needs two seconds for a check; optimized, minutes for its build.
    build
        .args(["install", "--quiet", "--locked", "--debug", "--root"])
        .arg(&directory)
        .arg(format!("cargo-deny@{VERSION}"));
    run(&mut build).context("cargo-deny cannot be built")?;
    Ok(program)
}
