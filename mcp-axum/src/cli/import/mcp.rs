//! `dynmcp import mcp`: a client's file of servers.

use super::limited;
use crate::cli::{
    Failure,
    add::{self, StoringArguments},
};
use mcp_core::{authoring::mcp_servers, secrets::SECRET_VARIABLES};
use std::{fs, path::PathBuf};

/// Such files are short.
const MOST_BYTES: usize = 4 << 20;

pub(super) fn run(
    config: Option<PathBuf>,
    document: &str,
    storing: &StoringArguments,
) -> Result<(), Failure> {
    let bytes = match document {
        "-" => limited(std::io::stdin(), MOST_BYTES)?,
        file => {
            let opened =
                fs::File::open(file).map_err(|error| Failure::runtime(format_args!("{file}: {error}")))?;
            limited(opened, MOST_BYTES)?
        }
    };
    let text = String::from_utf8_lossy(&bytes);
    let mut made = mcp_servers::read(&text, SECRET_VARIABLES)
        .map_err(|reason| Failure::runtime(format_args!("{document} {reason}")))?;
    let left_out = made.left_out.iter();
    made.notes
        .extend(left_out.map(|(id, reason)| format!("{id}: is left out: {reason}")));
    add::store(config, storing, made.upstreams, &made.notes)
}
