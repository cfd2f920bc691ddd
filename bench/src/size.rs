//! `cargo xtask bench size`: what very many definitions cost.

mod catalog;
mod views;

use crate::{cpu, machine, resident::resident};
use anyhow::{Context, Result, ensure};
use clap::Parser;
use dynmcp_harness::{Gateway, Setup, Store};
use std::time::Duration;

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

/// Prints as it goes; a source that cannot be measured does not keep the others from it.
pub(crate) async fn run(options: &Options) -> Result<()> {
    let (tools, instances) = (options.tools, options.instances);
    let rows = [catalog::tools(tools), catalog::instances(instances, tools)].concat();
    let documents: usize = rows[..tools].iter().map(|(_, _, document)| document.len()).sum();
    println!(
        "{}\n- {tools} tools of {} bytes each, {instances} instances; the store shares the machine; loaded: from the start \
         of the process until it is ready\n- bytes per tool: resident memory of the process, less that of an empty one and \
         less the documents of the tools; what the instances take is in it\n- a change: one tool that an instance has, \
         written through another replica; CPU of the whole process, on the replica that takes it over (watching the \
         source included) and on the one that writes it (HTTP, the write and taking it over included)\n- after a change \
         of one tool exactly the views of the instances that have it were built again\n- to reach: loaded in 5 s, 1024 bytes, \
         1 ms where it is taken over\n\n\
         | source | loaded s | CPU s | resident MiB | bytes per tool beyond its document | CPU ms per change taken over \
         | CPU ms per change written |\n|---|---:|---:|---:|---:|---:|---:|",
        machine::describe(false, None),
        documents / tools.max(1),
    );
    let mut failed = Vec::new();
    for source in &options.sources {
        eprintln!("{source}");
        match measure(source, options, &rows, documents).await {
            Ok(line) => println!("{line}"),
            Err(error) => {
                println!("| {source} | failed | | | | | |");
                failed.push(format!("{source}: {error:#}"));
            }
        }
    }
    ensure!(failed.is_empty(), "{}", failed.join("\n"));
    Ok(())
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

    let gateway = Gateway::start_as(&setup).await?;
    let pid = pid(&gateway)?;
    let cpu = cpu::used(pid)?;
    // What the load needed for a moment is given back in time.
    tokio::time::sleep(Duration::from_secs(3)).await;
    let memory = resident(pid)?;
    let status = gateway.admin().get("status").await?;
    ensure!(status["quarantined"] == 0, "{status}");
    let per_tool = (memory as f64 - nothing as f64 - documents as f64) / options.tools.max(1) as f64;
    let writer = Gateway::start_as(&setup).await?;
    views::stay(&gateway, &writer, options.instances, options.tools).await?;
    let (taken_over, written) = changes(&gateway, &writer, options).await?;
    Ok(format!(
        "| {source} | {:.1} | {:.1} | {:.0} | {per_tool:.0} | {:.2} | {:.2} |",
        gateway.started_in().as_secs_f64(),
        cpu.as_secs_f64(),
        memory as f64 / f64::from(1 << 20),
        taken_over.as_secs_f64() * 1000.0,
        written.as_secs_f64() * 1000.0,
    ))
}

/// CPU of one change, with views in use: of the replica that takes it over, and of the one that writes it.
async fn changes(gateway: &Gateway, writer: &Gateway, options: &Options) -> Result<(Duration, Duration)> {
    let (watching, writing) = (pid(gateway)?, pid(writer)?);
    let before = (cpu::used(watching)?, cpu::used(writing)?);
    let mut revision = 0;
    for change in 0..options.changes {
        let number = change * 7 % options.tools;
        let (id, document) = (catalog::id(number), catalog::tool(number, "Makes an order."));
        revision = writer.admin().write("tds", &id, &document).await?;
    }
    views::arrived(gateway, revision).await?;
    let used = (cpu::used(watching)?, cpu::used(writing)?);
    let each = |used: Duration, before| {
        let changes = u32::try_from(options.changes.max(1))?;
        anyhow::Ok(used.saturating_sub(before) / changes)
    };
    Ok((each(used.0, before.0)?, each(used.1, before.1)?))
}

fn pid(gateway: &Gateway) -> Result<u32> {
    gateway.pid().context("the gateway has ended")
}
