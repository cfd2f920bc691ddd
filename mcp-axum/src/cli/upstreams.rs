//! `dynmcp upstreams`: how the upstreams of a running gateway are doing.

use super::{
    Failure,
    output::{OutputFormat, print, print_json, table},
};
use crate::client::Gateway;
use clap::Args;
use serde_json::Value;
use std::{fmt::Write, path::PathBuf};

#[derive(Args)]
pub(super) struct UpstreamsArguments {
    /// The gateway [default: the configured one, on this machine].
    #[arg(long, value_name = "URL")]
    server: Option<String>,
    /// An admin's key of that gateway.
    #[arg(long, env = "DYNMCP_KEY", hide_env_values = true)]
    key: Option<String>,
    /// How to print the list.
    #[arg(long, value_enum, default_value_t)]
    format: OutputFormat,
}

pub(super) fn run(config: Option<PathBuf>, arguments: &UpstreamsArguments) -> Result<(), Failure> {
    let server = match &arguments.server {
        Some(server) => server.clone(),
        None => super::call::configured(config)?,
    };
    let gateway = match &arguments.key {
        Some(key) => Gateway::new(&server, key)?,
        None => Gateway::anonymous(&server)?,
    };
    super::run(async {
        let answer = gateway.get("/admin/upstreams").await?;
        let states: Vec<Value> = gateway.data(&answer)?;
        match arguments.format {
            OutputFormat::Json => print_json(&states),
            OutputFormat::Text => print(&text(&states)),
        }
    })
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
            // Writing to a `String` cannot fail. What a server said must not move the cursor of a terminal.
            let error: String = error.chars().filter(|c| !c.is_control()).collect();
            let _ = writeln!(out, "    {error}{next}");
        }
    }
    out
}
