//! `dynmcp stdio …`: an instance for a client that starts its servers as programs.

use super::{Failure, foreign, gateway::RunningGateway};
use crate::client::Bridge;
use clap::Args;
use std::path::PathBuf;

#[derive(Args)]
pub(super) struct StdioArguments {
    /// The instance.
    instance: String,
    #[command(flatten)]
    gateway: RunningGateway,
}

pub(super) fn run(config: Option<PathBuf>, arguments: &StdioArguments) -> Result<(), Failure> {
    let gateway = arguments.gateway.open(config)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let bridged = runtime.block_on(async {
        let stop = stopped()?;
        let pipes = (tokio::io::stdin(), tokio::io::stdout());
        Bridge::run(gateway, &arguments.instance, pipes, complain, stop).await;
        Ok(())
    });
    // A thread may still wait for a line that nobody writes.
    runtime.shutdown_background();
    bridged
}

/// Standard output is for messages.
fn complain(text: &str) {
    eprintln!("dynmcp stdio: {}", foreign::line(text));
}

/// The signals with which clients end their servers; the terminal's own closes standard input, too.
#[cfg(unix)]
fn stopped() -> Result<impl Future<Output = ()>, Failure> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

#[cfg(not(unix))]
fn stopped() -> Result<impl Future<Output = ()>, Failure> {
    Ok(async {
        let _ = tokio::signal::ctrl_c().await;
    })
}
