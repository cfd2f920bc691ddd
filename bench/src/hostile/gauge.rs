//! CPU and memory of the gateway with all its children.

use crate::cpu;
use anyhow::{Result, anyhow};
use std::{
    fs,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

/// How often memory is looked at.
const INTERVAL: Duration = Duration::from_millis(10);
/// Bytes of one, on the machines that this runs on.
const PAGE: u64 = 4096;

/// What was seen between start and stop.
pub(super) struct Used {
    pub(super) cpu: Duration,
    /// Bytes, the largest sum.
    pub(super) memory: u64,
}

/// Looks until it is stopped.
pub(super) struct Gauge {
    pid: u32,
    before: Duration,
    done: Arc<AtomicBool>,
    thread: JoinHandle<u64>,
}

impl Gauge {
    pub(super) fn start(pid: u32) -> Result<Self> {
        let done = Arc::new(AtomicBool::new(false));
        let seen = done.clone();
        let thread = thread::Builder::new().name("gauge".to_owned()).spawn(move || {
            let mut most = 0;
            while !seen.load(Ordering::Relaxed) {
                most = most.max(family(pid).into_iter().map(resident).sum());
                thread::sleep(INTERVAL);
            }
            most
        })?;
        Ok(Self {
            pid,
            before: used(pid)?,
            done,
            thread,
        })
    }

    pub(super) fn stop(self) -> Result<Used> {
        let after = used(self.pid).unwrap_or(self.before);
        self.done.store(true, Ordering::Relaxed);
        Ok(Used {
            cpu: after.saturating_sub(self.before),
            memory: self.thread.join().map_err(|_| anyhow!("the gauge broke"))?,
        })
    }
}

/// With the children that have ended.
fn used(pid: u32) -> Result<Duration> {
    let living = family(pid)
        .into_iter()
        .map(|pid| cpu::used(pid).unwrap_or_default());
    Ok(living.sum::<Duration>() + cpu::of_ended_children(pid)?)
}

/// The process and everything that it started.
fn family(pid: u32) -> Vec<u32> {
    let mut all = vec![pid];
    let mut next = 0;
    while let Some(parent) = all.get(next).copied() {
        all.extend(cpu::all_children(parent));
        next += 1;
    }
    all
}

/// Bytes; nothing for a process that has ended.
fn resident(pid: u32) -> u64 {
    let text = fs::read_to_string(format!("/proc/{pid}/statm")).unwrap_or_default();
    let pages = text.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok());
    pages.unwrap_or(0) * PAGE
}
