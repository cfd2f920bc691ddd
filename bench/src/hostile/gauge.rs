//! CPU and memory of the gateway with all its children.

use crate::{
    cpu,
    resident::{forget_peak, peak, resident},
};
use anyhow::{Result, anyhow};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

/// How often memory of the whole family is looked at; of the gateway alone the kernel remembers the most.
const INTERVAL: Duration = Duration::from_millis(10);

/// What was seen between start and stop.
pub(super) struct Used {
    pub(super) cpu: Duration,
    /// Bytes, the largest sum.
    pub(super) memory: u64,
    /// Bytes by which the gateway itself grew, at the most.
    pub(super) grown: u64,
}

/// Looks until it is stopped.
pub(super) struct Gauge {
    pid: u32,
    before: Duration,
    /// Bytes of the gateway itself.
    at_first: u64,
    done: Arc<AtomicBool>,
    thread: JoinHandle<(u64, u64)>,
}

impl Gauge {
    pub(super) fn start(pid: u32) -> Result<Self> {
        let done = Arc::new(AtomicBool::new(false));
        let seen = done.clone();
        let at_first = resident(pid)?;
        forget_peak(pid)?;
        let thread = thread::Builder::new().name("gauge".to_owned()).spawn(move || {
            let (mut most, mut own) = (0_u64, 0_u64);
            while !seen.load(Ordering::Relaxed) {
                // Nothing of a process that has ended.
                let of = |pid| resident(pid).unwrap_or_default();
                most = most.max(family(pid).into_iter().map(of).sum());
                own = own.max(peak(pid).unwrap_or_default());
                thread::sleep(INTERVAL);
            }
            (most, own.max(peak(pid).unwrap_or_default()))
        })?;
        Ok(Self {
            pid,
            before: used(pid)?,
            at_first,
            done,
            thread,
        })
    }

    pub(super) fn stop(self) -> Result<Used> {
        let after = used(self.pid).unwrap_or(self.before);
        self.done.store(true, Ordering::Relaxed);
        let (memory, own) = self.thread.join().map_err(|_| anyhow!("the gauge broke"))?;
        Ok(Used {
            cpu: after.saturating_sub(self.before),
            memory,
            grown: own.saturating_sub(self.at_first),
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
