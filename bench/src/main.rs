//! `cargo xtask bench`: direct call, nginx and DynMCP side by side, on the same upstream and load.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "the report is what it is run for"
)]

mod access;
mod answer;
mod chaos;
mod contender;
mod cpu;
mod definitions;
mod events;
mod features;
mod fleet;
mod hostile;
mod instructions;
mod listen;
mod load;
mod machine;
mod nginx;
mod open_files;
mod propagation;
mod report;
mod request;
mod resident;
mod size;
mod turns;
mod upstream;
mod upstreams;

use anyhow::{Result, ensure};
use clap::Parser;
use contender::Role;
use dynmcp_harness::Gateway;
use nginx::Nginx;
use turns::Turns;
use upstream::Upstream;

/// Requests per second, latency and server CPU per request; every answer is checked.
#[derive(Parser)]
#[command(name = "cargo xtask bench", args_conflicts_with_subcommands = true)]
struct Options {
    /// Something else than requests.
    #[command(subcommand)]
    other: Option<Other>,
    /// Seconds that each contender is measured in a round, after half a second of warming up.
    #[arg(long, default_value_t = 3.0)]
    seconds: f64,
    /// Rounds in which all contenders take turns; what is printed are medians over them.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Open connections, each with one request at a time.
    #[arg(long, value_delimiter = ',', default_values_t = [1, 16, 64])]
    connections: Vec<usize>,
    /// Only these contenders.
    #[arg(long, value_enum, value_delimiter = ',')]
    only: Vec<Role>,
}

/// The benches of something else.
#[derive(clap::Subcommand)]
enum Other {
    /// How long a write takes until another replica shows it, for each data source.
    Propagation(propagation::Options),
    /// What a hundred thousand tools cost, for each data source.
    Size(size::Options),
    /// What keys of the store, roles and limits cost a call.
    Access(access::Options),
    /// What inputs that are made to hurt cost, and how long others wait meanwhile.
    Hostile(hostile::Options),
    /// What it costs to probe many endpoints.
    Fleet(fleet::Options),
    /// Endpoints and a gateway die while clients call: who notices.
    Chaos(chaos::Options),
    /// One endpoint of `chaos`.
    #[command(hide = true)]
    Endpoint(chaos::endpoint::Options),
    /// What MCP servers behind the gateway cost it, beside nginx in front of them.
    Upstreams(upstreams::Options),
    /// The program of `upstreams` that is an MCP server.
    #[command(hide = true)]
    Program(upstreams::program::Options),
    /// How many instructions the steps of a call take, by callgrind.
    Instructions,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let options = Options::parse();
    if let Some(other) = &options.other {
        return match other {
            Other::Propagation(options) => propagation::run(options).await,
            Other::Size(options) => size::run(options).await,
            Other::Access(options) => access::run(options).await,
            Other::Hostile(options) => hostile::run(options).await,
            Other::Fleet(options) => fleet::run(options).await,
            Other::Chaos(options) => chaos::run(options).await,
            Other::Endpoint(options) => chaos::endpoint::run(options).await,
            Other::Upstreams(options) => upstreams::run(options).await,
            Other::Program(options) => upstreams::program::run(options),
            Other::Instructions => instructions::run(),
        };
    }
    ensure!(
        options.rounds > 0 && options.seconds > 0.0,
        "at least one round of some time"
    );
    let upstream = Upstream::start()?;
    let gateway = Gateway::start_as(&features::setup()).await?;
    definitions::store(&gateway, upstream.port()).await?;
    features::store(&gateway, upstream.port()).await?;
    let mut contenders = contender::of_gateway(&gateway, &upstream).await?;
    let silent = Gateway::start_as(&features::silent()).await?;
    definitions::store(&silent, upstream.port()).await?;
    contenders.push(contender::of_silent(&silent).await?);
    let tools_list = contenders.iter().find(|contender| contender.role == Role::List);
    let static_bytes = tools_list
        .map(|contender| contender.expected.clone())
        .unwrap_or_default();
    let nginx = match Nginx::start(upstream.port(), &static_bytes).await {
        Ok(nginx) => Some(nginx),
        Err(reason) => {
            eprintln!("without nginx: {reason:#}");
            None
        }
    };
    contenders.extend(
        nginx
            .iter()
            .flat_map(|nginx| contender::of_nginx(nginx, static_bytes.clone())),
    );
    contenders.retain(|contender| options.only.is_empty() || options.only.contains(&contender.role));
    contenders.sort_by_key(|contender| contender.role);

    let turns = Turns {
        connections: &options.connections,
        rounds: options.rounds,
        seconds: options.seconds,
    };
    let forget = || {
        gateway.forget_output()?;
        nginx.as_ref().map_or(Ok(()), Nginx::forget_log)
    };
    let report = turns.run(&contenders, forget).await?;
    println!("{}", machine::describe(nginx.is_some(), None));
    println!(
        "- load, upstream and server share the machine; every answer was checked; medians over the rounds"
    );
    println!("{report}");
    Ok(())
}
