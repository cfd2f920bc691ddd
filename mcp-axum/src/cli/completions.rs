//! `dynmcp completions`: what shells complete the command line with, made from the command line itself.

use super::{Cli, Failure};
use clap::CommandFactory;
use clap_complete::{Shell, generate};

pub(super) fn print(shell: Shell) -> Result<(), Failure> {
    let mut text = Vec::new();
    generate(shell, &mut Cli::command(), "dynmcp", &mut text);
    super::output::print(&String::from_utf8_lossy(&text))
}
