//! `cargo xtask bench chaos`: endpoints are killed, stopped, slowed down, cut off and started again at random, and a replica of the gateway is killed, while clients go on
//! calling. Fails where a promise does not hold.

mod dice;
pub(crate) mod endpoint;
mod endpoints;
mod load;
mod tally;

use crate::machine;
use anyhow::{Context, Result, ensure};
use clap::Parser;
use dice::Dice;
use dynmcp_harness::{Admin, Gateway, Mcp, Replicas, Setup, Store};
use endpoints::Endpoints;
use load::Load;
use serde_json::{Value, json};
use std::{
    path::PathBuf,
    time::{Duration, Instant},
};
use tally::Tally;
use tokio::{process::Command, time::sleep};

/// Clients call two gateways on one store while endpoints and one of the gateways die.
#[derive(Parser)]
pub(crate) struct Options {
    /// Seconds of chaos.
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// Calls a second: three of four only look, the others must not be made twice.
    #[arg(long, default_value_t = 200)]
    calls: u32,
    /// Endpoints, each a process.
    #[arg(long, default_value_t = 5)]
    endpoints: usize,
    /// The same number does the same things in the same order.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Another gateway than the one of this build.
    #[arg(long)]
    program: Option<PathBuf>,
}

/// Seconds of calls before anything happens, and after everything is well again.
const CALM: u64 = 5;
const AFTER: u64 = 10;
/// So many seconds after everything is well again the slowest hundredth is as before.
const BACK_WITHIN: u64 = 3;
/// And how much slower than before that may be.
const TIMES: u32 = 2;
const LEAST: Duration = Duration::from_millis(50);
/// Parts of the calls that endpoints may have more or less than others afterwards.
const UNEVEN: f64 = 0.01;

pub(crate) async fn run(options: &Options) -> Result<()> {
    let mut endpoints = Endpoints::start(options.endpoints).await?;
    let setup = Setup {
        program: options.program.clone(),
        app: String::new(),
        tables: "[mcp]\nsession_secret = 'secret-of-all-replicas-of-the-chaos'\n\n\
            [[discovery]]\ntype = 'registration'\nstale_after = 10\n\n"
            .to_owned(),
    };
    let replicas = Replicas::start(Store::start("sqlite").await?, 2, setup).await?;
    let [one, two] = replicas.all() else {
        anyhow::bail!("two replicas are needed")
    };
    define(one.admin(), &endpoints).await?;
    let mcp = Mcp::default();
    for gateway in [one, two] {
        let begun = Instant::now();
        while mcp
            .tools(&gateway.endpoint("desk"))
            .await
            .unwrap_or_default()
            .len()
            != 2
        {
            ensure!(
                begun.elapsed() < Duration::from_secs(30),
                "the tools never arrived"
            );
            sleep(Duration::from_millis(50)).await;
        }
    }
    // Told to the replica that will not be there any more.
    register(two).await?;
    let session = session(two).await?;

    let load = Load::start([one, two].map(|gateway| gateway.endpoint("desk")), options.calls);
    sleep(Duration::from_secs(CALM)).await;
    let mut dice = Dice::new(options.seed);
    let (begun, mut done) = (Instant::now(), Vec::new());
    let end = begun + Duration::from_secs(options.seconds);
    let mut victim = two.pid();
    while Instant::now() < end {
        done.push(endpoints.happen(&mut dice).await?);
        let is_half = begun.elapsed() * 2 > Duration::from_secs(options.seconds);
        if let Some(pid) = victim.take_if(|_| is_half) {
            let killed = Command::new("kill")
                .args(["-s", "KILL", &pid.to_string()])
                .status();
            ensure!(killed.await?.success(), "the replica cannot be killed");
            load.without(1);
        }
        sleep(Duration::from_millis(50 + dice.below(250))).await;
    }
    endpoints.recover().await?;
    let recovered = load.second();
    sleep(Duration::from_secs(AFTER)).await;
    let tally = load.end().await?;
    let paid = endpoints.paid()?;

    let kept = survives(one, &session).await;
    let report = Report {
        options,
        done,
        recovered,
        tally,
        paid,
    };
    println!("{report}");
    report.check()?;
    kept
}

async fn define(admin: &Admin, endpoints: &Endpoints) -> Result<()> {
    let urls: Vec<Value> = endpoints.urls().map(|url| json!({"url": url})).collect();
    let billing = json!({
        "protocol": "http", "endpoints": urls, "balance": {"algorithm": "round_robin"}, "breaker": {"failures": 3, "cool_down_seconds": 1},
        "failover": {"attempts": 4, "attempt_ms": 300}, "health": {"enabled": true, "interval_seconds": 1, "timeout_seconds": 1, "slow_start_seconds": 1},
    });
    admin.write("uds", "billing", &billing).await?;
    let schema = json!({"type": "object", "properties": {"number": {"type": "integer"}}});
    for (id, method) in [("look", "GET"), ("pay", "POST")] {
        let tool = json!({
            "name": id, "description": "Of the chaos.", "input_schema": schema,
            "tds_ext_info": {"upstream": "billing", "method": method, "path": format!("/{id}"), "timeout_ms": 5_000},
        });
        admin.write("tds", id, &tool).await?;
    }
    let desk = json!({"name": "Desk", "tool_ids": ["look", "pay"]});
    admin.write("ids", "desk", &desk).await?;
    let stateful =
        json!({"name": "Stateful", "tool_ids": ["look"], "metadata": {"proto_type": "streamable-stateful"}});
    admin.write("ids", "stateful", &stateful).await?;
    Ok(())
}

async fn register(gateway: &Gateway) -> Result<()> {
    let said = json!({"name": "far", "url": "http://127.0.0.1:9/mcp", "auto_connect": false});
    let answer = reqwest::Client::new()
        .post(format!("{}/api/register", gateway.origin()))
        .bearer_auth(Gateway::KEY)
        .json(&said);
    answer.send().await?.error_for_status()?;
    Ok(())
}

/// A session of an older client.
async fn session(gateway: &Gateway) -> Result<String> {
    let hello = json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
        "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "chaos", "version": "1"}}});
    let answer = reqwest::Client::new()
        .post(gateway.endpoint("stateful"))
        .bearer_auth(Gateway::KEY)
        .header("accept", "application/json, text/event-stream")
        .json(&hello);
    let answer = answer.send().await?.error_for_status()?;
    let id = answer
        .headers()
        .get("mcp-session-id")
        .context("the session has no id")?;
    Ok(id.to_str()?.to_owned())
}

/// What was begun at the replica that was killed goes on at the other one.
async fn survives(gateway: &Gateway, session: &str) -> Result<()> {
    let client = reqwest::Client::new();
    let list = json!({"jsonrpc": "2.0", "id": 2, "method": "tools/list"});
    let answer = client
        .post(gateway.endpoint("stateful"))
        .bearer_auth(Gateway::KEY)
        .header("accept", "application/json, text/event-stream")
        .header("mcp-session-id", session)
        .header("mcp-protocol-version", "2025-06-18")
        .json(&list);
    let (status, text) = {
        let answer = answer.send().await?;
        (answer.status(), answer.text().await?)
    };
    ensure!(
        status.is_success() && text.contains("look"),
        "the session did not survive: {status} {text}"
    );
    let heartbeat = client
        .post(format!("{}/api/servers/far/heartbeat", gateway.origin()))
        .bearer_auth(Gateway::KEY);
    let status = heartbeat.send().await?.status();
    ensure!(status.is_success(), "the registration did not survive: {status}");
    println!("- the session and the registration that the killed replica was told of go on at the other one");
    Ok(())
}

/// What came of it.
struct Report<'a> {
    options: &'a Options,
    done: Vec<&'static str>,
    /// The second after which everything was well again.
    recovered: usize,
    tally: Tally,
    paid: Vec<u64>,
}

impl Report<'_> {
    /// When the slowest hundredth was as before, in seconds after everything was well again.
    fn back_after(&self) -> Option<usize> {
        let before = self.tally.slowest(0..CALM as usize);
        let bound = (before * TIMES).max(LEAST);
        let mut seconds = self.recovered..self.recovered + AFTER as usize - 1;
        let first = seconds.find(|second| self.tally.slowest(*second..second + 1) <= bound);
        first.map(|second| second - self.recovered)
    }

    /// How far the endpoint is from its share that is farthest, in the last seconds.
    fn unevenness(&self) -> f64 {
        let last = self.recovered + BACK_WITHIN as usize + 1..self.recovered + AFTER as usize;
        let counts = self.tally.by_endpoint(last);
        let all: u64 = counts.values().sum();
        let share = 1.0 / self.options.endpoints as f64;
        let missing = if counts.len() < self.options.endpoints {
            share
        } else {
            0.0
        };
        let far = counts
            .values()
            .map(|count| (*count as f64 / all as f64 - share).abs());
        far.fold(missing, f64::max)
    }

    fn twice(&self) -> usize {
        self.paid.windows(2).filter(|pair| pair[0] == pair[1]).count()
    }

    fn unpaid(&self) -> usize {
        let is_missing = |number: &&u64| self.paid.binary_search(number).is_err();
        self.tally.good_payments.iter().filter(is_missing).count()
    }

    fn check(&self) -> Result<()> {
        let tally = &self.tally;
        ensure!(
            tally.failed_looks.is_empty(),
            "calls that only look failed: {:?}",
            tally.failed_looks
        );
        ensure!(self.twice() == 0, "{} calls were made twice", self.twice());
        ensure!(
            self.unpaid() == 0,
            "{} calls were said to be made and were not",
            self.unpaid()
        );
        let back = self.back_after();
        ensure!(
            back.is_some_and(|after| after <= BACK_WITHIN as usize),
            "the slowest hundredth was not as before within {BACK_WITHIN} s: {back:?}"
        );
        let uneven = self.unevenness();
        ensure!(
            uneven <= UNEVEN,
            "an endpoint is {:.1} % from its share",
            uneven * 100.0
        );
        Ok(())
    }
}

impl std::fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let tally = &self.tally;
        let count = |what: &str| self.done.iter().filter(|done| **done == what).count();
        let seconds = |range| tally.slowest(range).as_secs_f64() * 1e3;
        writeln!(f, "{}", machine::describe(false, self.options.program.as_deref()))?;
        writeln!(
            f,
            "- two gateways on one SQLite file, {} endpoints (each a process), clients: all on this machine; {} calls/s for {} s, one gateway killed after half of them",
            self.options.endpoints, self.options.calls, self.options.seconds
        )?;
        writeln!(
            f,
            "- {} killed, {} stopped, {} slowed down, {} cut off, {} brought back (seed {})\n",
            count("kill"),
            count("stop"),
            count("slow"),
            count("cut"),
            count("back"),
            self.options.seed
        )?;
        writeln!(f, "| | |\n|---|---:|")?;
        writeln!(f, "| calls that only look | {} |", tally.looks)?;
        writeln!(f, "| of these failed | {} |", tally.failed_looks.len())?;
        writeln!(f, "| calls that must not be made twice | {} |", tally.payments)?;
        writeln!(f, "| of these made twice | {} |", self.twice())?;
        writeln!(
            f,
            "| of these answered with an error, their endpoint being dead, stopped or slow | {} |",
            tally.failed_payments
        )?;
        writeln!(
            f,
            "| of these lost with the gateway that was killed | {} |",
            tally.lost
        )?;
        writeln!(f, "| p99 before, ms | {:.1} |", seconds(0..CALM as usize))?;
        writeln!(
            f,
            "| p99 meanwhile, ms | {:.1} |",
            seconds(CALM as usize..self.recovered)
        )?;
        let back = self.back_after();
        writeln!(
            f,
            "| p99 as before, seconds after the end | {} |",
            back.map_or("never".to_owned(), |after| after.to_string())
        )?;
        writeln!(
            f,
            "| the farthest from an even share afterwards, % | {:.2} |",
            self.unevenness() * 100.0
        )
    }
}
