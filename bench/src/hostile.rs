//! `cargo xtask bench hostile`: what inputs that are made to hurt cost the gateway, and who notices.

mod attack;
mod bystander;
mod client;
mod gauge;
mod row;
mod server;
mod site;
mod upstream;
mod witness;
mod witnesses;

use crate::machine;
use anyhow::{Result, ensure};
use bystander::Bystander;
use clap::Parser;
use gauge::Gauge;
use row::Row;
use site::Site;
use std::{
    path::PathBuf,
    time::{Duration, Instant},
};
use witness::{Attack, Witness};

/// CPU and memory that each witness takes, and how long a bystander's calls wait meanwhile.
#[derive(Parser)]
pub(crate) struct Options {
    /// Only witnesses with one of these in their name.
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// Another gateway than the one of this build, to compare with.
    #[arg(long)]
    program: Option<PathBuf>,
    /// Seconds that an attack goes on; one that is answered sooner is made again.
    #[arg(long, default_value_t = 3.0)]
    seconds: f64,
    /// Seconds after which an attack that is not answered is given up.
    #[arg(long, default_value_t = 10.0)]
    patience: f64,
    /// MiB of address space that each process of the gateway may have, so that none takes the machine down.
    #[arg(long, default_value_t = 6144)]
    address_space: u64,
    /// MiB that what is in flight may take (`app.memory_budget`), and by which the gateway itself may grow.
    #[arg(long, default_value_t = 256)]
    budget: u64,
}

/// What a bystander's slowest hundredth may take.
const GOAL: Duration = Duration::from_millis(50);

/// Prints as it goes; a witness that cannot be measured does not keep the others from it.
pub(crate) async fn run(options: &Options) -> Result<()> {
    let chosen = |witness: &Witness| {
        let is_named = |part: &String| witness.name.contains(part.as_str());
        options.only.is_empty() || options.only.iter().any(is_named)
    };
    let witnesses: Vec<Witness> = witnesses::all().into_iter().filter(chosen).collect();
    ensure!(!witnesses.is_empty(), "no witness is called so");
    println!(
        "{}\n- gateway, upstream, attackers and bystander share the machine; each witness has a gateway of its own with the \
         default configuration, but that addresses of loopback are clients like any others (`front_proxies`) and that {} MiB \
         are for what is in flight (`memory_budget`)\n- attacks are made again until {} s are over, and given up after {} s; attackers come from \
         127.0.0.2\n- bystander: {} connections, each with a call of a plain tool every {} ms, late ones counted from when \
         they were due; failed: refused, or the connection closed\n- CPU and memory: the gateway and its children; memory is \
         the largest sum of resident memory seen; grew by: the most that the gateway itself had resident (VmHWM), in MiB more than before; /healthz: the longest wait of a new connection\n\n{}",
        machine::describe(false, options.program.as_deref()),
        options.budget,
        options.seconds,
        options.patience,
        Bystander::CONNECTIONS,
        Bystander::INTERVAL.as_millis(),
        Row::HEAD,
    );
    let (mut failed, mut late) = (Vec::new(), Vec::new());
    for witness in &witnesses {
        eprintln!("{}", witness.name);
        match measure(witness, options).await {
            Ok(row) => {
                println!("{row}");
                late.extend((!row.is_good(GOAL, options.budget << 20)).then_some(witness.name));
            }
            Err(error) => {
                println!("| {} | not measured: {error:#} |", witness.name);
                failed.push(witness.name);
            }
        }
    }
    let many = witnesses.len();
    let goal = GOAL.as_millis();
    println!(
        "\n{} of {many} kept a bystander's p99 under {goal} ms, the gateway's own memory within {} MiB more than before, and left a gateway that answers",
        many - late.len() - failed.len(),
        options.budget
    );
    ensure!(failed.is_empty(), "not measured: {}", failed.join("; "));
    Ok(())
}

async fn measure(witness: &Witness, options: &Options) -> Result<Row> {
    let start = Instant::now();
    let site = match Site::start(witness, options).await {
        Ok(site) => site,
        // That it starts is what this one is about.
        Err(reason) if matches!(witness.attack, Attack::Stored(_)) => {
            return Ok(Row::no_start(
                witness.name,
                &format!("{reason:#}"),
                start.elapsed(),
            ));
        }
        Err(reason) => return Err(reason),
    };
    let pid = site.pid()?;
    let gauge = Gauge::start(pid)?;
    let bystander = Bystander::start(&site)?;
    let times = attack::Times {
        at_least: Duration::from_secs_f64(options.seconds),
        at_most: Duration::from_secs_f64(options.patience),
    };
    let begin = Instant::now();
    let attack = attack::start(&witness.attack, &site, times)?;
    while !attack.is_finished() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let window = begin.elapsed();
    let waits = bystander.stop()?;
    let used = gauge.stop()?;
    let attack = attack.join().map_err(|_| anyhow::anyhow!("the attack broke"))??;
    let afterwards = site.afterwards().await;
    Ok(Row::new(witness.name, window, &attack, &used, waits, afterwards))
}
