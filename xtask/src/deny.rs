//! `cargo xtask deny`: what may come into the binary, by `deny.toml`.

use crate::{
    command::{root, run},
    tools,
};
use anyhow::Result;
use std::process::Command;

/// All checks where the database of advisories can be fetched, else all but that one, and says so.
pub(crate) fn check() -> Result<()> {
    let program = tools::install_cargo_deny()?;
    let deny = || {
        let mut command = Command::new(&program);
        // Questions for a password would wait for ever.
        command
            .current_dir(root())
            .arg("--locked")
            .env("GIT_TERMINAL_PROMPT", "0");
        command
    };
    match run(deny().args(["--log-level", "off", "fetch", "db"])) {
        Ok(()) => run(deny().arg("check")),
        Err(_) => {
            run(deny().args(["check", "bans", "licenses", "sources"]))?;
            println!(
                "advisories and withdrawn versions were NOT checked: the RustSec database is a git repository, \
                 https://github.com/RustSec/advisory-db, that cannot be fetched from here, and no package registry has it"
            );
            Ok(())
        }
    }
}
