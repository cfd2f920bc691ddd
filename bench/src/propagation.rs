//! `cargo xtask bench propagation`: how long a write on one replica takes until another one lists it.

mod background;
mod times;

use crate::{machine, upstream::Upstream};
use anyhow::{Context, Result};
use background::Background;
use clap::Parser;
use dynmcp_harness::{Mcp, Replicas, Setup, Store};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use times::Times;

/// From sending a write to one replica until `tools/list` of another one shows it.
#[derive(Parser)]
pub(crate) struct Options {
    /// Data sources to measure; each server is started for it and has to be installed.
    #[arg(long, value_delimiter = ',', default_values_t = Store::SHARED.map(str::to_owned))]
    sources: Vec<String>,
    /// Writes in each situation.
    #[arg(long, default_value_t = 1_000)]
    writes: usize,
    /// Tool calls per second on the replica that is watched, for the situation with load.
    #[arg(long, default_value_t = 1_000)]
    calls: u32,
    /// Changes per second through a third replica, for the situation with changes.
    #[arg(long, default_value_t = 100)]
    changes: u32,
}

/// A change that takes longer is lost.
const LOST: Duration = Duration::from_secs(30);
/// Definitions beside the one that is written.
const OTHERS: usize = 100;

/// Prints as it goes; a source that cannot be measured does not keep the others from it.
pub(crate) async fn run(options: &Options) -> Result<()> {
    println!(
        "{}\n- three replicas, the store, the load and its upstream share the machine; {} writes in each situation, from \
         sending the write to one replica until `tools/list` of another shows it; `start` is how long the slowest \
         replica took until it was ready\n\n\
         | source | start s | beside it | p50 ms | p99 ms | most ms | to reach: p99 ms |\n|---|---:|---|---:|---:|---:|---:|",
        machine::describe(false, None),
        options.writes,
    );
    let mut failed = Vec::new();
    for source in &options.sources {
        if let Err(error) = measure(source, options).await {
            println!("| {source} | | failed | | | | |");
            failed.push(format!("{source}: {error:#}"));
        }
    }
    anyhow::ensure!(failed.is_empty(), "{}", failed.join("\n"));
    Ok(())
}

/// What the gateway promises for 99 of 100 changes.
fn promised(source: &str) -> u32 {
    match source {
        "etcd" | "postgres" => 20,
        // The poll of 500 ms, and 20.
        "mysql" => 520,
        _ => 200,
    }
}

/// One source in all situations.
async fn measure(source: &str, options: &Options) -> Result<()> {
    let (store, upstream) = (Store::start(source).await?, Upstream::start()?);
    let setup = Setup {
        app: "workers = 1\n".to_owned(),
        ..Setup::default()
    };
    let replicas = Replicas::start(store, 3, setup).await?;
    let starts = replicas.all().iter().map(|gateway| gateway.started_in());
    let start = starts.max().unwrap_or_default().as_secs_f64();
    prepare(&replicas, &upstream).await?;
    for situation in [Situation::Quiet, Situation::Load, Situation::Changes] {
        eprintln!("{source}, {situation:?}");
        let background = Background::start(situation, &replicas, options, &upstream);
        let times = write_and_watch(&replicas, &upstream, options.writes).await?;
        let beside = background.end().await?;
        let promised = promised(source);
        println!("| {source} | {start:.1} | {beside} | {times} | {promised} |");
    }
    Ok(())
}

/// What else goes on.
#[derive(Clone, Copy, Debug)]
enum Situation {
    Quiet,
    Load,
    Changes,
}

fn tool(upstream: &Upstream, name: &str, description: &str) -> Value {
    json!({
        "name": name, "description": description, "input_schema": {"type": "object"},
        "tds_ext_info": {"domain": format!("http://127.0.0.1:{}", upstream.port()), "method": "GET", "path": "/"},
    })
}

async fn prepare(replicas: &Replicas, upstream: &Upstream) -> Result<()> {
    let first = replicas.all().first().context("no replica")?;
    let admin = first.admin();
    for number in 0..OTHERS {
        let name = format!("other_{number}");
        let other = tool(upstream, &name, "Another one.");
        admin.write("tds", &name, &other).await?;
    }
    let watched = tool(upstream, "watched", "First.");
    admin.write("tds", "watched", &watched).await?;
    let bench = json!({"name": "bench", "tool_ids": ["watched"]});
    admin.write("ids", "bench", &bench).await?;
    for gateway in replicas.all() {
        let start = Instant::now();
        let mcp = Mcp::default();
        while mcp.tools(&gateway.endpoint("bench")).await.unwrap_or_default() != ["watched"] {
            anyhow::ensure!(start.elapsed() < LOST, "the definitions never arrived");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    Ok(())
}

async fn write_and_watch(replicas: &Replicas, upstream: &Upstream, writes: usize) -> Result<Times> {
    let (writer, watched) = (&replicas.all()[0], replicas.all()[1].endpoint("bench"));
    let mcp = Mcp::default();
    let mut times = Times::default();
    for number in 0..writes {
        // Where a source polls, writes come at any time between two polls.
        tokio::time::sleep(Duration::from_millis((number * 37 % 101) as u64)).await;
        let description = format!("Version {number} of {:?}.", Instant::now());
        let document = tool(upstream, "watched", &description);
        let start = Instant::now();
        let write = writer.admin().write("tds", "watched", &document);
        let seen = async {
            loop {
                let (_, list) = mcp.modern(&watched, "tools/list", json!({})).await?;
                if list["result"]["tools"][0]["description"] == *description {
                    return anyhow::Ok(start.elapsed());
                }
                anyhow::ensure!(start.elapsed() < LOST, "write {number} never arrived");
                // Watching must not be the load.
                tokio::time::sleep(Duration::from_micros(500)).await;
            }
        };
        let (written, seen) = tokio::join!(write, seen);
        written?;
        times.add(seen?);
    }
    Ok(times)
}
