//! An MCP server over pipes, a process of its own.

use super::speech::{Era, Said, Speech};
use anyhow::Result;
use clap::Parser;
use std::io::{BufRead, Write, stdin, stdout};

/// For `upstreams`.
#[derive(Parser)]
pub(crate) struct Options {
    /// How many it has.
    #[arg(long, default_value_t = 1)]
    tools: usize,
}

/// What its tools begin with.
pub(super) const TOOLS: &str = "piped_order";

/// Answers until its input ends.
pub(crate) fn run(options: &Options) -> Result<()> {
    let speech = Speech::with_tools(Era::Modern, TOOLS, options.tools);
    let (mut input, mut output) = (stdin().lock(), stdout().lock());
    let mut line = Vec::new();
    while input.read_until(b'\n', &mut line)? > 0 {
        match speech.answer(&line)? {
            Said::Nothing => {}
            Said::Answer(mut said) | Said::Listening(mut said) | Said::Progress { answer: mut said, .. } => {
                said.push('\n');
                output.write_all(said.as_bytes())?;
                output.flush()?;
            }
        }
        line.clear();
    }
    Ok(())
}
