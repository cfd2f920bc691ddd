//! `cargo xtask bench access`: what keys of the store, roles and limits cost a call, beside the same call by a configured key.

use crate::{
    contender::{first_answer, port_of},
    cpu, definitions,
    load::{Form, Load},
    machine,
    request::Request,
    upstream::Upstream,
};
use anyhow::{Context, Result, ensure};
use clap::Parser;
use dynmcp_harness::{Gateway, Row, Setup, Store};
use serde_json::{Value, json};
use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

/// CPU and latency of one and the same call: by the configured key, and by a key of the store with roles and limits; in a gateway that has nothing else, and in
/// one with very many keys and roles. Also what a change of one key costs in both.
#[derive(Parser)]
pub(crate) struct Options {
    /// Keys of the full gateway.
    #[arg(long, default_value_t = 100_000)]
    keys: usize,
    /// Roles of it.
    #[arg(long, default_value_t = 1_000)]
    roles: usize,
    /// Seconds that each caller is measured in a round, after half a second of warming up.
    #[arg(long, default_value_t = 2.0)]
    seconds: f64,
    /// Rounds in which all callers take turns; what is printed are medians over them.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Open connections, each with one request at a time.
    #[arg(long, value_delimiter = ',', default_values_t = [1, 16])]
    connections: Vec<usize>,
    /// Changes of one key, for the time of one.
    #[arg(long, default_value_t = 100)]
    changes: usize,
    /// A third gateway counts its limits there (redis://127.0.0.1:6379), and is measured, too.
    #[arg(long)]
    redis: Option<String>,
    /// Another gateway than the one of this build.
    #[arg(long)]
    program: Option<PathBuf>,
}

/// The aim: the same call by a key with roles and limits costs no more than this.
const AIM: f64 = 1.10;
const WARM_UP: Duration = Duration::from_millis(500);
/// How long the full gateway may take to load.
const START: Duration = Duration::from_secs(120);

/// Somebody who calls.
struct Caller {
    name: String,
    port: u16,
    pid: u32,
    request: Request,
    expected: Vec<u8>,
    samples: Vec<Sample>,
}

struct Sample {
    requests_per_second: f64,
    p50: f64,
    cpu: f64,
}

pub(crate) async fn run(options: &Options) -> Result<()> {
    ensure!(
        options.rounds > 0 && options.seconds > 0.0,
        "at least one round of some time"
    );
    let upstream = Upstream::start()?;
    let plain = start(options, &upstream, &[], "").await?;
    let full = start(options, &upstream, &rows(options), "").await?;
    let many = format!("{} keys, {} roles", options.keys, options.roles);
    let mut callers = of(&plain.1, "").await?;
    callers.extend(of(&full.1, &format!("; {many}")).await?);
    let shared = match &options.redis {
        None => None,
        Some(url) => {
            let table = format!("[limits.redis]\nurl = '{url}'\n");
            let shared = start(options, &upstream, &[], &table).await?;
            let mut of_shared = of(&shared.1, "; limits counted in Redis").await?;
            callers.push(of_shared.remove(1));
            Some(shared)
        }
    };
    println!(
        "{}\n- upstream, load and gateways share the machine; every answer was checked; medians over {} rounds of {} s; ratios are those of CPU within a round\n\
         - with roles and limits: three roles, one of which inherits another, with `rate`, `concurrent`, `per_day` and `per_tool`, and the same in the key",
        machine::describe(false, options.program.as_deref()),
        options.rounds,
        options.seconds,
    );
    let time = Duration::from_secs_f64(options.seconds);
    let mut worst: f64 = 0.0;
    for connections in options.connections.iter().copied() {
        for round in 0..options.rounds {
            eprintln!(
                "{connections} connections, round {} of {}",
                round + 1,
                options.rounds
            );
            for gateway in [Some(&plain), Some(&full), shared.as_ref()].into_iter().flatten() {
                gateway.1.forget_output()?;
            }
            // Nobody always comes first.
            let number = callers.len();
            for place in 0..number {
                let caller = &mut callers[(place + round) % number];
                let sample = measure(caller, connections, time).await?;
                caller.samples.push(sample);
            }
        }
        println!(
            "\n### {connections} connection{}\n\n| caller | requests/s | p50 µs | CPU µs/request | CPU relative to the configured key |\n|---|---:|---:|---:|---:|",
            if connections == 1 { "" } else { "s" }
        );
        let base: Vec<f64> = callers[0].samples.iter().map(|sample| sample.cpu).collect();
        for caller in &mut callers {
            let samples = std::mem::take(&mut caller.samples);
            let of = |value: fn(&Sample) -> f64| median(samples.iter().map(value).collect());
            let ratio = median(
                samples
                    .iter()
                    .zip(&base)
                    .map(|(sample, base)| sample.cpu / base)
                    .collect(),
            );
            if !caller.name.contains("Redis") {
                worst = worst.max(ratio);
            }
            println!(
                "| {} | {:.0} | {:.0} | {:.1} | {ratio:.2} |",
                caller.name,
                of(|sample| sample.requests_per_second),
                of(|sample| sample.p50),
                of(|sample| sample.cpu),
            );
        }
    }
    println!(
        "\n| a change of one key, until it holds | ms |\n|---|---:|\n| in an empty gateway | {:.1} |\n| {many} | {:.1} |\n\n\
         Started in {:.1} s with nothing, in {:.1} s with {many}. The aim is {AIM:.2} for a call; the most was {worst:.2}.",
        change(&plain.1, options.changes).await?,
        change(&full.1, options.changes).await?,
        plain.1.started_in().as_secs_f64(),
        full.1.started_in().as_secs_f64(),
    );
    Ok(())
}

/// A gateway with these documents, the hundred tools, and a key with roles and limits.
async fn start(
    options: &Options,
    upstream: &Upstream,
    rows: &[Row],
    tables: &str,
) -> Result<(Store, Gateway)> {
    let store = Store::start("sqlite").await?;
    let setup = Setup {
        program: options.program.clone(),
        app: "data_source = 'sqlite'\nstart_from_snapshot = false\n".to_owned(),
        tables: format!("{}{tables}", store.table()),
    };
    // The first one makes the tables.
    Gateway::start_as(&setup).await?.stop().await?;
    store.fill(rows).await?;
    let gateway = Gateway::start_as(&setup).await?;
    let begun = Instant::now();
    loop {
        let status = gateway.admin().get("status").await?;
        ensure!(status["quarantined"] == 0, "{status}");
        let counted = status["shared_limits"]["counted"].as_str();
        if counted.is_none_or(|counted| counted == "together") {
            break;
        }
        ensure!(begun.elapsed() < START, "{status}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    definitions::store(&gateway, upstream.port()).await?;
    let limits = limits();
    for (id, inherits, tools) in [
        ("bench-reader", json!([]), "list_*"),
        ("bench-writer", json!(["bench-reader"]), "create_order_*"),
        ("bench-guest", json!([]), "get_*"),
    ] {
        let mut limits = limits.clone();
        limits["per_tool"] = json!({"create_*": "4000000000/s", "delete_*": "1/h"});
        let role = json!({
            "inherits": inherits,
            "allow": [{"actions": ["tools/call"], "instances": ["bench"], "tools": [tools]}],
            "deny": [{"actions": ["*"], "tools": ["delete_*"]}],
            "limits": limits,
        });
        gateway.admin().write("roles", id, &role).await?;
    }
    Ok((store, gateway))
}

/// None of which is ever reached.
fn limits() -> Value {
    json!({"rate": "4000000000/s", "concurrent": 1_000_000, "per_day": 4_000_000_000_u32})
}

fn rows(options: &Options) -> Vec<Row> {
    let role = |number: usize| {
        let document = json!({
            "allow": [{"actions": ["tools/call"], "instances": [format!("i{number}")], "tools": ["get_*"]}],
            "limits": {"rate": "20/s"},
        });
        ("RDS", format!("role-{number:06}"), document.to_string())
    };
    let key = |number: usize| {
        let role = number % options.roles.max(1);
        let document = json!({
            "name": format!("client-{number}"),
            "roles": [format!("role-{role:06}")],
            "limits": {"rate": "20/s", "per_day": 10_000},
            "secrets": [{"sha256": format!("{number:064x}"), "created_at": "2026-01-01T00:00:00Z"}],
        });
        ("KDS", format!("k{number:011}"), document.to_string())
    };
    let roles = (0..options.roles).map(role);
    roles.chain((0..options.keys).map(key)).collect()
}

/// The configured key, and one with roles and limits.
async fn of(gateway: &Gateway, more: &str) -> Result<Vec<Caller>> {
    let wanted = json!({"name": "bench", "roles": ["bench-writer", "bench-guest"], "limits": limits()});
    let made = gateway.admin().post("keys", &wanted).await?;
    let key = made["key"].as_str().context("no key was made")?.to_owned();
    let port = port_of(gateway)?;
    let mut callers = Vec::new();
    for (name, key) in [
        ("configured key", None),
        ("key of the store, roles and limits", Some(&*key)),
    ] {
        let mut request = Request::call(port);
        if let Some(key) = key {
            request = request.with_key(key);
        }
        let expected = first_answer(port, &request).await?;
        ensure!(
            serde_json::from_slice::<Value>(&expected)?["result"]["isError"] == false,
            "{name}: {}",
            String::from_utf8_lossy(&expected)
        );
        callers.push(Caller {
            name: format!("{name}{more}"),
            port,
            pid: gateway.pid().context("it has ended")?,
            request,
            expected,
            samples: Vec::new(),
        });
    }
    Ok(callers)
}

async fn measure(caller: &Caller, connections: usize, time: Duration) -> Result<Sample> {
    let load = Load {
        port: caller.port,
        request: &caller.request,
        expected: &caller.expected,
        form: Form::Whole,
    };
    load.run(connections, WARM_UP).await?;
    let before = cpu::used(caller.pid)?;
    let run = load.run(connections, time).await?;
    let used = cpu::used(caller.pid)?.saturating_sub(before);
    let requests = run.latencies.len() as f64;
    let middle = run.latencies.get(run.latencies.len() / 2).copied();
    Ok(Sample {
        requests_per_second: requests / run.elapsed.as_secs_f64(),
        p50: middle.unwrap_or_default() as f64 / 1_000.0,
        cpu: used.as_secs_f64() * 1e6 / requests,
    })
}

/// Milliseconds from the request to change a key until the change holds, in the middle.
async fn change(gateway: &Gateway, changes: usize) -> Result<f64> {
    let wanted = json!({"name": "changed", "instances": ["bench"]});
    let made = gateway.admin().post("keys", &wanted).await?;
    let id = made["id"].as_str().context("no key was made")?.to_owned();
    let mut times = Vec::new();
    for change in 0..changes.max(1) {
        let begun = Instant::now();
        let verb = if change % 2 == 0 { "inactivate" } else { "activate" };
        // It is answered when the next request on this replica sees it.
        gateway
            .admin()
            .post(&format!("keys/{id}/{verb}"), &json!({}))
            .await?;
        times.push(begun.elapsed().as_secs_f64() * 1_000.0);
    }
    Ok(median(times))
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
