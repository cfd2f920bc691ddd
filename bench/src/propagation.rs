//! `cargo xtask bench propagation`: how long a write on one replica takes until another one lists it.

mod background;

use crate::machine;
use anyhow::{Context, Result};
use background::Background;
use clap::Parser;
use dynmcp_harness::{Mcp, Replicas, Setup, Store};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

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

pub(crate) async fn run(options: &Options) -> Result<String> {
    let mut report = format!(
        "{}\n- three replicas, the store and the clients share the machine; {} writes in each situation, from sending the \
         write to one replica until `tools/list` of another shows it\n\n\
         | source | situation | p50 ms | p99 ms | most ms |\n|---|---|---:|---:|---:|\n",
        machine::describe(false),
        options.writes,
    );
    for source in &options.sources {
        let store = Store::start(source).await?;
        let setup = Setup {
            app: "workers = 1\n".to_owned(),
            ..Setup::default()
        };
        let replicas = Replicas::start(store, 3, setup).await?;
        prepare(&replicas).await.with_context(|| source.clone())?;
        for situation in [Situation::Quiet, Situation::Load, Situation::Changes] {
            eprintln!("{source}, {}", situation.name());
            let background = Background::start(situation, &replicas, options);
            let times = measure(&replicas, options.writes).await?;
            background.end().await?;
            report += &line(source, situation, times);
        }
    }
    Ok(report)
}

/// What else goes on.
#[derive(Clone, Copy)]
enum Situation {
    Quiet,
    Load,
    Changes,
}

impl Situation {
    fn name(self) -> &'static str {
        match self {
            Self::Quiet => "quiet",
            Self::Load => "calls",
            Self::Changes => "changes",
        }
    }
}

fn tool(description: &str) -> Value {
    json!({
        "name": "watched", "description": description, "input_schema": {"type": "object"},
        "tds_ext_info": {"domain": "http://127.0.0.1:9", "method": "GET", "path": "/"},
    })
}

async fn prepare(replicas: &Replicas) -> Result<()> {
    let admin = replicas.all()[0].admin();
    for number in 0..OTHERS {
        let mut other = tool("Another one.");
        other["name"] = json!(format!("other_{number}"));
        admin.write("tds", &format!("other_{number}"), &other).await?;
    }
    admin.write("tds", "watched", &tool("First.")).await?;
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

/// In ascending order.
async fn measure(replicas: &Replicas, writes: usize) -> Result<Vec<Duration>> {
    let (writer, watched) = (&replicas.all()[0], replicas.all()[1].endpoint("bench"));
    let mcp = Mcp::default();
    let mut times = Vec::with_capacity(writes);
    for number in 0..writes {
        // Where a source polls, writes come at any time between two polls.
        tokio::time::sleep(Duration::from_millis((number * 37 % 101) as u64)).await;
        let description = format!("Version {number} of {:?}.", Instant::now());
        let document = tool(&description);
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
        times.push(seen?);
    }
    times.sort_unstable();
    Ok(times)
}

fn line(source: &str, situation: Situation, times: Vec<Duration>) -> String {
    let quantile = |share: f64| {
        let index = ((times.len().max(1) - 1) as f64 * share) as usize;
        times
            .get(index)
            .map_or(f64::NAN, |time| time.as_secs_f64() * 1000.0)
    };
    let name = situation.name();
    let (half, most, worst) = (quantile(0.5), quantile(0.99), quantile(1.0));
    format!("| {source} | {name} | {half:.1} | {most:.1} | {worst:.1} |\n")
}
