//! CPU time of a process, all threads, from the kernel's accounting.

use anyhow::{Context, Result};
use std::{fs, time::Duration};

/// Ticks per second of `/proc/PID/stat`: fixed at 100 for user space on Linux.
const TICKS: u64 = 100;

/// Among the fields of `/proc/PID/stat` after the name.
const UTIME: usize = 11;
const CUTIME: usize = 13;

/// User and system time of `pid` since it started.
pub(crate) fn used(pid: u32) -> Result<Duration> {
    times(pid, UTIME)
}

/// User and system time of those children of `pid` that have ended.
pub(crate) fn of_ended_children(pid: u32) -> Result<Duration> {
    times(pid, CUTIME)
}

/// The sum of two fields that stand together.
fn times(pid: u32, first: usize) -> Result<Duration> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).context("the server has ended")?;
    // The name in parentheses may hold anything.
    let (_, fields) = stat.rsplit_once(") ").context("/proc/PID/stat")?;
    let mut times = fields.split(' ').skip(first).map(str::parse::<u64>);
    let user = times.next().context("user time")??;
    let system = times.next().context("system time")??;
    Ok(Duration::from_millis((user + system) * 1000 / TICKS))
}

/// The processes that the main thread of `pid` started.
pub(crate) fn children(pid: u32) -> Result<Vec<u32>> {
    let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"))?;
    Ok(children
        .split_whitespace()
        .map(str::parse)
        .collect::<Result<_, _>>()?)
}

/// The processes that any thread of `pid` started; none of a process that has ended.
pub(crate) fn all_children(pid: u32) -> Vec<u32> {
    let threads = fs::read_dir(format!("/proc/{pid}/task"))
        .into_iter()
        .flatten()
        .flatten();
    threads
        .filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok())
        .flat_map(|text| text.split_whitespace().flat_map(str::parse).collect::<Vec<u32>>())
        .collect()
}
