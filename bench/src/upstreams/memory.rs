//! Memory of what is only open, with nothing going on.

use super::{Options, idle, sessions};
use crate::resident::resident;
use anyhow::Result;
use std::{
    fmt,
    time::{Duration, Instant},
};
use tokio::time::sleep;

/// Memory stays as it is for so long before it is believed: what was needed for a moment is given back in time.
const CALM: Duration = Duration::from_secs(5);
const MOST: Duration = Duration::from_secs(40);
const INTERVAL: Duration = Duration::from_millis(250);

/// One line of the table.
pub(super) struct Kept {
    pub(super) what: String,
    pub(super) count: usize,
    pub(super) before: u64,
    pub(super) after: u64,
    pub(super) aim: &'static str,
}

impl fmt::Display for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
        let each = (self.after as f64 - self.before as f64) / self.count.max(1) as f64 / 1024.0;
        let Self { what, count, aim, .. } = self;
        let (before, after) = (mib(self.before), mib(self.after));
        write!(
            f,
            "| {what} | {count} | {before:.1} | {after:.1} | {each:.2} | {aim} |"
        )
    }
}

pub(super) async fn run(options: &Options) -> Result<()> {
    println!(
        "\n## Memory\n\nResident memory of the gateway's process, once it does not change any more. Before: with the first of them, so that code and tables \
         that there are once are in it.\n\n| | how many | before MiB | with them MiB | KiB of one | aim |\n|---|---:|---:|---:|---:|---|"
    );
    println!("{}", idle::over_http(options).await?);
    println!("{}", idle::programs(options).await?);
    for kept in sessions::run(options).await? {
        println!("{kept}");
    }
    Ok(())
}

/// Bytes, when they have stayed the same for a while.
pub(super) async fn settled(pid: u32) -> Result<u64> {
    let (begun, mut since, mut seen) = (Instant::now(), Instant::now(), resident(pid)?);
    while since.elapsed() < CALM && begun.elapsed() < MOST {
        sleep(INTERVAL).await;
        let now = resident(pid)?;
        if now.abs_diff(seen) > seen / 500 {
            (since, seen) = (Instant::now(), now);
        }
    }
    resident(pid)
}
