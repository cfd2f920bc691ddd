//! Memory of a process, from the kernel's accounting.

use anyhow::{Context, Result};
use std::fs;

/// Bytes of `pid` that are in memory.
pub(crate) fn resident(pid: u32) -> Result<u64> {
    of(pid, "VmRSS:")
}

/// The most bytes that were in memory since the process began, or since [they were forgotten](forget_peak).
pub(crate) fn peak(pid: u32) -> Result<u64> {
    of(pid, "VmHWM:")
}

/// From now on the most is what is there now.
pub(crate) fn forget_peak(pid: u32) -> Result<()> {
    fs::write(format!("/proc/{pid}/clear_refs"), "5").context("clear_refs")
}

fn of(pid: u32, name: &str) -> Result<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).context("the server has ended")?;
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let kib: u64 = line
        .and_then(|line| line.split_whitespace().next())
        .with_context(|| name.to_owned())?
        .parse()?;
    Ok(kib * 1024)
}
