//! `dynmcp upstreams`: how the upstreams of a running gateway are doing.

mod manage;

use super::{
    Failure, foreign,
    gateway::RunningGateway,
    output::{OutputFormat, print, print_json, table},
};
use clap::Args;
use manage::UpstreamsCommand;
pub(super) use manage::{OftenUpstreamsCommand, OneUpstream, often, test};
use serde_json::Value;
use std::{fmt::Write, path::PathBuf};

#[derive(Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct UpstreamsArguments {
    #[command(subcommand)]
    command: Option<UpstreamsCommand>,
    #[command(flatten)]
    gateway: RunningGateway,
    /// How to print the list.
    #[arg(long, value_enum, default_value_t)]
    format: OutputFormat,
}

pub(super) fn run(config: Option<PathBuf>, arguments: &UpstreamsArguments) -> Result<(), Failure> {
    if let Some(command) = &arguments.command {
        return manage::run(config, command);
    }
    let gateway = arguments.gateway.open(config)?;
    super::run(async {
        let answer = gateway.get("/admin/upstreams").await?;
        let states: Vec<Value> = gateway.data(&answer)?;
        match arguments.format {
            OutputFormat::Json => print_json(&states),
            OutputFormat::Text => print(&text(&states)),
        }
    })
}

/// One endpoint on one line.
fn of_endpoint(endpoint: &Value) -> String {
    let url = endpoint["url"].as_str().unwrap_or_default();
    let stands = match (endpoint["breaker"].as_str(), endpoint["healthy"].as_bool()) {
        (Some("open"), _) => {
            let wait = endpoint["retry_in_ms"].as_u64().unwrap_or_default() as f64 / 1000.0;
            format!("let alone for {wait:.1} s yet")
        }
        (Some("half_open"), _) => "tried again by the next request".to_owned(),
        (_, Some(false)) => "out: probes of it fail".to_owned(),
        _ => "used".to_owned(),
    };
    let number = |name: &str| endpoint[name].as_u64().unwrap_or_default();
    let latency = match endpoint["latency_ms"].as_f64() {
        Some(ms) => format!(", {ms:.1} ms"),
        None => String::new(),
    };
    let error = match endpoint["last_error"].as_str() {
        Some(error) => format!("; last failure: {error}"),
        None => String::new(),
    };
    let unknown = match endpoint["probe_problem"].as_str() {
        Some(problem) => format!("; probes find nothing out: {problem}"),
        None => String::new(),
    };
    let (requests, failures) = (number("requests"), number("failures"));
    format!("{url}  {stands}, {requests} requests, {failures} failed{latency}{error}{unknown}")
}

/// Calls that waited, where any did.
fn of_queue(queue: &Value) -> Option<String> {
    let number = |name: &str| queue[name].as_u64();
    let (waiting, waited, refused) = (number("waiting")?, number("waited")?, number("refused")?);
    let wait = queue["wait_ms"].as_f64().unwrap_or_default();
    Some(format!(
        "queue: {waiting} calls wait, {waited} waited ({wait:.1} ms on average), {refused} were refused"
    ))
}

fn text(states: &[Value]) -> String {
    if states.is_empty() {
        return "no upstreams\n".to_owned();
    }
    let member = |state: &Value, name: &str| match &state[name] {
        Value::Null => "-".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let columns = [
        "id",
        "state",
        "transport",
        "protocol",
        "tools",
        "resources",
        "prompts",
    ];
    let head: Vec<String> = columns.iter().map(|name| name.to_uppercase()).collect();
    let head: Vec<&str> = head.iter().map(String::as_str).collect();
    let rows = states
        .iter()
        .map(|state| columns.iter().map(|name| member(state, name)).collect());
    let mut out = String::new();
    // Writing to a `String` cannot fail.
    for (at, line) in table(&head, rows).lines().enumerate() {
        out.extend([line, "\n"]);
        let Some(state) = at.checked_sub(1).and_then(|at| states.get(at)) else {
            continue;
        };
        if let Some(error) = state["last_error"].as_str() {
            let next = match state["next_attempt_ms"].as_u64() {
                Some(ms) => format!("; next attempt in {:.1} s", ms as f64 / 1000.0),
                None => String::new(),
            };
            let _ = writeln!(out, "    {}{next}", foreign::line(error));
        }
        if let Some(queue) = of_queue(&state["queue"]) {
            let _ = writeln!(out, "    {queue}");
        }
        for endpoint in state["endpoints"].as_array().into_iter().flatten() {
            let _ = writeln!(out, "    {}", foreign::line(&of_endpoint(endpoint)));
        }
    }
    out
}
