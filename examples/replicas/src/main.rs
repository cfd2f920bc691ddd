//! Three gateways on one store, in one command; see the README beside this crate.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "it shows what happens")]

mod show;

use anyhow::Result;
use clap::Parser;
use std::process::ExitCode;

/// Shows three gateways on one store.
#[derive(Parser)]
struct Options {
    /// Where definitions are: sqlite, etcd, mysql or postgres. The server is started for it and has to be installed.
    #[arg(long, default_value = "sqlite")]
    source: String,
    /// Calls that are made while all three are replaced.
    #[arg(long, default_value_t = 3_000)]
    calls: usize,
}

/// The program is its own gateway: the three replicas are this binary with the command `serve`.
fn main() -> ExitCode {
    if std::env::args().nth(1).is_some_and(|command| command == "serve") {
        return mcp_axum::main();
    }
    match run(&Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(show::all(&options.source, options.calls))
}
