//! Other programs.

use anyhow::{Context, Result, ensure};
use std::{
    path::Path,
    process::{Command, ExitCode, Stdio},
};

/// What variables begin with that cargo sets for a program of a package.
const OF_PACKAGE: [&str; 2] = ["CARGO_PKG_", "CARGO_MANIFEST_"];

/// The workspace's root.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap_or(Path::new("."))
}

/// Runs cargo in the workspace and passes its exit code on. What cargo has told this program about its own package is not passed on: build scripts that look
/// at it would run anew, and everything that needs them be compiled anew, whenever somebody calls cargo with and without this program in turns.
pub(crate) fn cargo(arguments: &[&str], more: &[String]) -> Result<ExitCode> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if OF_PACKAGE.iter().any(|begins| text.starts_with(begins)) {
            command.env_remove(name);
        }
    }
    let status = command
        .args(arguments)
        .args(more)
        .current_dir(root())
        .stdin(Stdio::null())
        .status()
        .context("cargo cannot be started")?;
    let code = status
        .code()
        .and_then(|code| u8::try_from(code).ok())
        .unwrap_or(1);
    Ok(ExitCode::from(code))
}

/// Runs a program that has to succeed.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let line = format!("{command:?}").replace('"', "");
    let status = command
        .stdin(Stdio::null())
        .status()
        .with_context(|| format!("cannot start: {line}"))?;
    ensure!(status.success(), "{line}: {status}");
    Ok(())
}

/// Whether a program starts and is content.
pub(crate) fn succeeds(program: &str, arguments: &[&str]) -> bool {
    let mut command = Command::new(program);
    command
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}
