//! Work that may not come to an end, in processes that may die: schemas that check and jq programs that run have neither
//! a bound of their own nor a place where they can be stopped. See docs/adr/0015-work-in-lanes-and-processes.md.
//!
//! A process is the gateway's own program, started with a subcommand that calls [`serve`]. It has one job at a time, and
//! limits that it sets on itself before the first one. It reads nothing but its standard input, which is a socket that
//! the gateway holds the other end of, and ends when that one is closed: however the gateway ended, nothing stays behind.

#[cfg(unix)]
mod child;
mod frame;
mod job;
#[cfg_attr(not(unix), path = "sandbox/no_process.rs")]
mod process;

#[cfg(unix)]
pub use child::{Limits, serve};
pub(crate) use job::{Done, Job};
pub(crate) use process::{Ended, Process};
use std::{ffi::OsString, path::PathBuf};

/// How a process is started that calls [`serve`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// The executable.
    pub path: PathBuf,
    /// What makes it call [`serve`], with [`memory`](Self::memory) among it.
    pub arguments: Vec<OsString>,
    /// How much memory in bytes its work may take.
    pub memory: u64,
}
