//! Docker Compose, which reads the compose file.

use super::python;
use crate::command::run;
use anyhow::{Context, Result};
use std::{path::Path, process::Command};

/// The package starts the program by a script that forgets its exit code.
const LINK: &str = "
import pathlib, sys, sysconfig
program = pathlib.Path(sysconfig.get_path('purelib')) / 'compose/docker-compose'
pathlib.Path(sys.argv[1]).symlink_to(program)
";

pub(super) fn install(tools: &Path, pinned: &Path) -> Result<()> {
    let directory = tools.join("compose");
    python::install_as(&directory, &pinned.join("requirements-compose.txt"))?;
    let program = directory.join("bin/compose");
    if program.exists() {
        return Ok(());
    }
    let mut link = Command::new(directory.join("bin/python"));
    run(link.args(["-c", LINK]).arg(program)).context("Docker Compose is not in its package")
}
