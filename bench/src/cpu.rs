//! CPU time of a process, all threads, from the kernel's accounting.

use anyhow::{Context, Result};
use std::{fs, time::Duration};

/// Ticks per second of `/proc/PID/stat`: fixed at 100 for user space on Linux.
const TICKS: u64 = 100;

/// User and system time of `pid` since it started.
pub(crate) fn used(pid: u32) -> Result<Duration> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).context("the server has ended")?;
    // The name in parentheses may hold anything; `state` is the first field after it, `utime` the twelfth.
    let (_, fields) = stat.rsplit_once(") ").context("/proc/PID/stat")?;
    let mut times = fields.split(' ').skip(11).map(str::parse::<u64>);
    let user = times.next().context("utime")??;
    let system = times.next().context("stime")??;
    Ok(Duration::from_millis((user + system) * 1000 / TICKS))
}

/// The processes that `pid` started.
pub(crate) fn children(pid: u32) -> Result<Vec<u32>> {
    let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"))?;
    Ok(children
        .split_whitespace()
        .map(str::parse)
        .collect::<Result<_, _>>()?)
}
