//! `dynmcp warden`: what a gateway starts to end its programs if it is killed itself. Not for people.

use super::{Failure, own_program};
use mcp_core::upstream::keep_watch;
use std::{io::stdin, path::PathBuf};
use tokio::signal::unix::{SignalKind, signal};

const NAME: &str = "warden";

/// Until the gateway is gone, and its programs with it.
pub(super) fn run() -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    // Signals to all processes of a service are for the gateway, which ends its programs itself: they do nothing here.
    let _guard = runtime.enter();
    let _signals = [
        SignalKind::terminate(),
        SignalKind::interrupt(),
        SignalKind::hangup(),
    ]
    .map(signal);
    keep_watch(stdin().lock());
    Ok(())
}

/// How it is started.
pub(crate) fn command(program: Option<PathBuf>) -> Vec<PathBuf> {
    let program = program.or_else(own_program);
    program
        .map(|program| vec![program, NAME.into()])
        .unwrap_or_default()
}
