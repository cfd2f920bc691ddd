//! `cargo xtask bench fleet`: what it costs to know how many endpoints are.

use crate::{cpu, machine, open_files, upstream::Upstream};
use anyhow::{Context, Result, ensure};
use clap::Parser;
use dynmcp_harness::{Gateway, Setup};
use serde_json::{Value, json};
use std::{
    fs,
    path::PathBuf,
    time::{Duration, Instant},
};
use tempfile::TempDir;
use tokio::time::sleep;

/// CPU that a gateway takes whose upstreams have all their endpoints probed, beside one that has none. Nobody calls.
#[derive(Parser)]
pub(crate) struct Options {
    /// Upstreams (`protocol: http`).
    #[arg(long, default_value_t = 1_000)]
    upstreams: usize,
    /// Endpoints of each.
    #[arg(long, default_value_t = 5)]
    endpoints: usize,
    /// Seconds between two probes of an endpoint.
    #[arg(long, default_value_t = 10)]
    interval: u64,
    /// Seconds that are measured, after two intervals in which connections are made.
    #[arg(long, default_value_t = 30.0)]
    seconds: f64,
    /// Another gateway than the one of this build.
    #[arg(long)]
    program: Option<PathBuf>,
}

/// The aim: 3 % of a core for 1,000 upstreams with 5 endpoints each, probed every 10 seconds.
const AIM: f64 = 3.0;
/// How long definitions may take until all endpoints have been probed.
const START: Duration = Duration::from_secs(120);

pub(crate) async fn run(options: &Options) -> Result<()> {
    let (wanted, may_have) = (options.upstreams * options.endpoints + 200, open_files::reserve());
    ensure!(
        may_have >= wanted,
        "the server needs {wanted} open files and may have {may_have}: ulimit -n {wanted}"
    );
    let without = measure(options, 0).await?;
    let with = measure(options, options.upstreams).await?;
    let share = |cpu: Duration| cpu.as_secs_f64() / options.seconds * 100.0;
    let (all, every) = (options.upstreams * options.endpoints, options.interval);
    let probes = all as f64 / every as f64 * options.seconds;
    println!(
        "{}\n- server and gateway share the machine; {} s each, after two intervals; CPU of the gateway's process\n\n\
         | upstreams | endpoints | probes/s | % of a core | µs for a probe |\n|---:|---:|---:|---:|---:|\n\
         | 0 | 0 | 0 | {:.2} | |\n| {} | {all} | {:.0} | {:.2} | {:.1} |\n\nThe aim for 1,000 upstreams with 5 endpoints every 10 s is {AIM} %.",
        machine::describe(false, options.program.as_deref()),
        options.seconds,
        share(without),
        options.upstreams,
        all as f64 / every as f64,
        share(with),
        with.saturating_sub(without).as_secs_f64() * 1e6 / probes,
    );
    Ok(())
}

/// The CPU time of a gateway with so many upstreams.
async fn measure(options: &Options, upstreams: usize) -> Result<Duration> {
    let (server, folder) = (Upstream::start()?, TempDir::new()?);
    let documents: Vec<Value> = (0..upstreams)
        .map(|number| document(options, server.port(), number))
        .collect();
    fs::write(
        folder.path().join("fleet.json"),
        json!({"uds": documents}).to_string(),
    )?;
    let setup = Setup {
        program: options.program.clone(),
        app: "data_source = 'file'\n".to_owned(),
        tables: format!("[data_source.file]\npath = '{}'\n", folder.path().display()),
    };
    let gateway = Gateway::start_as(&setup).await?;
    let pid = gateway.pid().context("it has ended")?;
    let interval = Duration::from_secs(options.interval);
    sleep(interval * 2).await;
    all_are_well(&gateway, options, upstreams).await?;
    let (before, begun) = (cpu::used(pid)?, Instant::now());
    sleep(Duration::from_secs_f64(options.seconds)).await;
    let used = cpu::used(pid)? - before;
    ensure!(
        begun.elapsed().as_secs_f64() < options.seconds * 1.05,
        "the machine is too busy to measure anything"
    );
    all_are_well(&gateway, options, upstreams).await?;
    gateway.stop().await?;
    Ok(used)
}

fn document(options: &Options, port: u16, number: usize) -> Value {
    let endpoints: Vec<Value> = (0..options.endpoints)
        .map(|place| json!({"url": format!("http://127.0.0.1:{port}/u{number}/e{place}")}))
        .collect();
    json!({
        "id": format!("u{number}"), "protocol": "http", "endpoints": endpoints,
        "health": {"enabled": true, "interval_seconds": options.interval, "path": format!("/health/{number}")},
    })
}

/// Whether probes were answered well, of every endpoint.
async fn all_are_well(gateway: &Gateway, options: &Options, upstreams: usize) -> Result<()> {
    if upstreams == 0 {
        return Ok(());
    }
    let begun = Instant::now();
    loop {
        let metrics = gateway.metrics().await?;
        let healthy = metrics
            .lines()
            .filter(|line| line.starts_with("dynmcp_endpoint_healthy{") && line.ends_with(" 1.0"))
            .count();
        if healthy == upstreams * options.endpoints {
            return Ok(());
        }
        ensure!(begun.elapsed() < START, "only {healthy} endpoints are well");
        sleep(Duration::from_secs(1)).await;
    }
}
