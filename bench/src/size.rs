//! `cargo xtask bench size`: what very many definitions cost.

mod catalog;

use crate::{cpu, machine};
use anyhow::{Context, Result, ensure};
use clap::Parser;
use dynmcp_harness::{Gateway, Mcp, Setup, Store};
use std::{
    fs,
    time::{Duration, Instant},
};

/// Loading, resident memory, and the CPU of one change.
#[derive(Parser)]
pub(crate) struct Options {
    /// Data sources to measure; each server is started for it and has to be installed.
    #[arg(long, value_delimiter = ',', default_values_t = ["sqlite", "etcd", "mysql", "postgres"].map(str::to_owned))]
    sources: Vec<String>,
    /// Tools.
    #[arg(long, default_value_t = 100_000)]
    tools: usize,
    /// Instances with ten tools each.
    #[arg(long, default_value_t = 10_000)]
    instances: usize,
    /// Changes of one tool each, for the CPU of one.
    #[arg(long, default_value_t = 1_000)]
    changes: usize,
}

pub(crate) async fn run(options: &Options) -> Result<String> {
    let (tools, instances) = (options.tools, options.instances);
    let rows = [catalog::tools(tools), catalog::instances(instances, tools)].concat();
    let documents: usize = rows[..tools].iter().map(|(_, _, document)| document.len()).sum();
    let mut report = format!(
        "{}\n- {tools} tools of {} bytes each, {instances} instances; the store shares the machine; loaded: from the start \
         of the process until it is ready\n- bytes per tool: resident memory of the process, less that of an empty one and \
         less the documents of the tools; what the instances take is in it\n- a change: one tool that an instance has, \
         CPU of the whole process (HTTP and the write included)\n\n\
         | source | loaded s | CPU s | resident MiB | bytes per tool beyond its document | CPU ms per change |\n\
         |---|---:|---:|---:|---:|---:|\n",
        machine::describe(false),
        documents / tools.max(1),
    );
    for source in &options.sources {
        eprintln!("{source}");
        let line = measure(source, options, &rows, documents).await;
        report += &line.with_context(|| source.clone())?;
    }
    Ok(report)
}

async fn measure(
    source: &str,
    options: &Options,
    rows: &[dynmcp_harness::Row],
    documents: usize,
) -> Result<String> {
    let store = Store::start(source).await?;
    let setup = Setup {
        app: format!("data_source = '{source}'\nstart_from_snapshot = false\n"),
        tables: store.table(),
        ..Setup::default()
    };
    let empty = Gateway::start_as(&setup).await?;
    let nothing = resident(pid(&empty)?)?;
    empty.stop().await?;
    store.fill(rows).await?;

    let start = Instant::now();
    let gateway = Gateway::start_as(&setup).await?;
    let loaded = start.elapsed();
    let pid = pid(&gateway)?;
    let cpu = cpu::used(pid)?;
    // What the load needed for a moment is given back in time.
    tokio::time::sleep(Duration::from_secs(3)).await;
    let memory = resident(pid)?;
    let status = gateway.admin().get("status").await?;
    ensure!(status["quarantined"] == 0, "{status}");
    let per_tool = (memory as f64 - nothing as f64 - documents as f64) / options.tools.max(1) as f64;
    let change = changes(&gateway, pid, options).await?;
    Ok(format!(
        "| {source} | {:.1} | {:.1} | {:.0} | {per_tool:.0} | {:.2} |\n",
        loaded.as_secs_f64(),
        cpu.as_secs_f64(),
        memory as f64 / f64::from(1 << 20),
        change.as_secs_f64() * 1000.0,
    ))
}

/// CPU of one change, with views in use.
async fn changes(gateway: &Gateway, pid: u32, options: &Options) -> Result<Duration> {
    let mcp = Mcp::default();
    for number in 0..100.min(options.instances) {
        let endpoint = gateway.endpoint(&format!("i{number:05}"));
        ensure!(
            mcp.tools(&endpoint).await?.len() == 10,
            "{endpoint} does not list its tools"
        );
    }
    let before = cpu::used(pid)?;
    for change in 0..options.changes {
        let number = change * 7 % options.tools;
        let document = catalog::tool(number, "Makes an order.");
        gateway
            .admin()
            .write("tds", &catalog::id(number), &document)
            .await?;
    }
    let used = cpu::used(pid)?.saturating_sub(before);
    Ok(used / u32::try_from(options.changes.max(1))?)
}

fn pid(gateway: &Gateway) -> Result<u32> {
    gateway.pid().context("the gateway has ended")
}

/// Bytes.
fn resident(pid: u32) -> Result<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib: u64 = line
        .and_then(|line| line.split_whitespace().next())
        .context("VmRSS")?
        .parse()?;
    Ok(kib * 1024)
}
