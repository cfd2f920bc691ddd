//! `cargo xtask bench upstreams`: what MCP servers behind the gateway cost it, beside nginx in front of the same servers.

mod calls;
mod idle;
mod lists;
mod memory;
mod peer;
mod pipe;
pub(crate) mod program;
mod progress;
mod server;
mod sessions;
mod site;
mod speech;
mod stdio;

use crate::{machine, turns::Turns};
use anyhow::{Result, ensure};
use clap::{Parser, ValueEnum};
use std::path::PathBuf;

/// CPU of calls, lists and streams that have an MCP server behind them, and memory of what is only open; every answer is checked.
#[derive(Parser)]
pub(crate) struct Options {
    /// Only these parts.
    #[arg(long, value_enum, value_delimiter = ',')]
    only: Vec<Part>,
    /// Seconds that each contender is measured in a round, after half a second of warming up.
    #[arg(long, default_value_t = 3.0)]
    seconds: f64,
    /// Rounds in which all contenders take turns; what is printed are medians over them.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Open connections, each with one request at a time.
    #[arg(long, value_delimiter = ',', default_values_t = [1, 16, 64])]
    connections: Vec<usize>,
    /// Upstreams that are only connected to, over HTTP and as programs.
    #[arg(long, default_value_t = 100)]
    idle: usize,
    /// Sessions of clients of 2025-11-25.
    #[arg(long, default_value_t = 1_000)]
    sessions: usize,
    /// Streams that such clients have open.
    #[arg(long, default_value_t = 10_000)]
    streams: usize,
    /// Milliseconds of pause after each message of progress; 0: as fast as they are taken.
    #[arg(long, default_value_t = 1)]
    pace: u64,
    /// Another gateway than the one of this build.
    #[arg(long)]
    program: Option<PathBuf>,
}

/// What is measured, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Calls of a server with a URL.
    Calls,
    /// Calls of a server that is a program.
    Stdio,
    /// A list of what many servers offer.
    Lists,
    /// Calls that tell of progress.
    Progress,
    /// What is only open.
    Memory,
}

impl Options {
    fn turns(&self) -> Turns<'_> {
        Turns {
            connections: &self.connections,
            rounds: self.rounds,
            seconds: self.seconds,
        }
    }
}

/// Prints as it goes; a part that cannot be measured does not keep the others from it.
pub(crate) async fn run(options: &Options) -> Result<()> {
    ensure!(
        options.rounds > 0 && options.seconds > 0.0,
        "at least one round of some time"
    );
    println!(
        "{}\n- load, servers and gateway share the machine; every answer was checked; medians over {} rounds of {} s; ratios are those of CPU within a round",
        machine::describe(true, options.program.as_deref()),
        options.rounds,
        options.seconds,
    );
    let mut failed = Vec::new();
    for part in Part::value_variants() {
        if !options.only.is_empty() && !options.only.contains(part) {
            continue;
        }
        eprintln!("{part:?}");
        let measured = match part {
            Part::Calls => calls::run(options).await,
            Part::Stdio => stdio::run(options).await,
            Part::Lists => lists::run(options).await,
            Part::Progress => progress::run(options).await,
            Part::Memory => memory::run(options).await,
        };
        if let Err(reason) = measured {
            println!("\n{part:?}: not measured: {reason:#}");
            failed.push(format!("{part:?}: {reason:#}"));
        }
    }
    ensure!(failed.is_empty(), "not measured: {}", failed.join("\n"));
    Ok(())
}
