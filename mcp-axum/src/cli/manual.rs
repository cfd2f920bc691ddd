//! `dynmcp manual`: manual pages, made from the command line itself.

use super::{Cli, Failure, output::print};
use clap::CommandFactory;
use clap_mangen::{Man, generate_to};
use std::path::Path;

pub(super) fn run(folder: Option<&Path>) -> Result<(), Failure> {
    let command = Cli::command();
    if let Some(folder) = folder {
        return Ok(generate_to(command, folder)?);
    }
    let mut page = Vec::new();
    Man::new(command).render(&mut page)?;
    print(&String::from_utf8_lossy(&page))
}
