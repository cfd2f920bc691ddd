//! `dynmcp sandbox`: what a gateway starts for work that may have to be ended. Not for people.

use super::Failure;
use mcp_core::engine::sandbox::{Limits, Program, serve};
use std::path::PathBuf;
use tokio::signal::unix::{SignalKind, signal};

/// The subcommand and its option.
const NAME: &str = "sandbox";
const MEMORY: &str = "--memory";

/// Does what the gateway asks for, until it has ended.
pub(super) fn run(memory: u64) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    // Signals to all processes of a service are for the gateway, which has calls in flight to finish: they do nothing here.
    let _guard = runtime.enter();
    let _signals = [
        SignalKind::terminate(),
        SignalKind::interrupt(),
        SignalKind::hangup(),
    ]
    .map(signal);
    Ok(serve(Limits { memory })?)
}

/// How it is started, with so much memory for its work.
pub(crate) fn program(path: PathBuf, memory: u64) -> Program {
    Program {
        path,
        arguments: vec![NAME.into(), MEMORY.into(), memory.to_string().into()],
        memory,
    }
}
