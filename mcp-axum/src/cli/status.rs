//! `dynmcp status` and `dynmcp quarantine`: how a running gateway is doing.

use super::{
    Failure, foreign,
    gateway::RunningGateway,
    output::{OutputFormat, print, print_json, table},
};
use clap::Args;
use serde_json::{Value, json};
use std::{fmt::Write, path::PathBuf};

#[derive(Args)]
pub(super) struct StatusArguments {
    #[command(flatten)]
    gateway: RunningGateway,
    /// How to print it.
    #[arg(long, value_enum, default_value_t)]
    format: OutputFormat,
}

/// Exit code 1 where it is not ready, or what it serves may be old.
pub(super) fn status(config: Option<PathBuf>, arguments: &StatusArguments) -> Result<(), Failure> {
    let gateway = arguments.gateway.open(config)?;
    let (status, upstreams) = super::run(async {
        let answer = gateway.get("/admin/status").await?;
        let status: Value = gateway.data(&answer)?;
        let answer = gateway.get("/admin/upstreams").await?;
        let upstreams: Vec<Value> = gateway.data(&answer)?;
        Ok((status, upstreams))
    })?;
    match arguments.format {
        OutputFormat::Json => print_json(&json!({"status": status, "upstreams": upstreams}))?,
        OutputFormat::Text => print(&text(&status, &upstreams))?,
    }
    let is = |name: &str| status[name] == true;
    match () {
        () if !is("ready") => Err(Failure::runtime("the gateway is not ready")),
        () if is("stale") => Err(Failure::runtime(
            "the data source is away; what is served may be old",
        )),
        () => Ok(()),
    }
}

fn text(status: &Value, upstreams: &[Value]) -> String {
    let word = |name: &str| match &status[name] {
        Value::String(text) => foreign::line(text),
        other => other.to_string(),
    };
    let mut out = format!(
        "version      {}, since {}\nready        {}\ndata source  {}, revision {}{}\ndefinitions  ",
        word("version"),
        word("started_at"),
        word("ready"),
        word("source"),
        word("revision"),
        match status["stale"] == true {
            true => format!(", away for {} ms", word("lag_ms")),
            false => String::new(),
        }
    );
    let counts = status["definitions"].as_object().into_iter().flatten();
    let counts: Vec<String> = counts.map(|(kind, count)| format!("{kind} {count}")).collect();
    // Writing to a `String` cannot fail.
    let _ = writeln!(out, "{}", counts.join(", "));
    let _ = writeln!(
        out,
        "quarantine   {}, held back {}",
        word("quarantined"),
        word("held_back")
    );
    let ready = upstreams
        .iter()
        .filter(|upstream| upstream["state"] == "ready")
        .count();
    let _ = writeln!(out, "upstreams    {ready} of {} ready", upstreams.len());
    for upstream in upstreams.iter().filter(|upstream| upstream["state"] != "ready") {
        let text = |name: &str| foreign::line(upstream[name].as_str().unwrap_or("-"));
        let _ = writeln!(
            out,
            "             {}: {}, {}",
            text("id"),
            text("state"),
            text("last_error")
        );
    }
    for task in status["tasks"].as_array().into_iter().flatten() {
        if task["in_trouble"] == true {
            let _ = writeln!(
                out,
                "task         {} failed a moment ago; the log says why",
                task["name"]
            );
        }
    }
    out
}

/// Exit code 1 where there is something.
pub(super) fn quarantine(config: Option<PathBuf>, arguments: &StatusArguments) -> Result<(), Failure> {
    let gateway = arguments.gateway.open(config)?;
    let found: Vec<Value> = super::run(async {
        let answer = gateway.get("/admin/quarantine").await?;
        Ok(gateway.data(&answer)?)
    })?;
    match arguments.format {
        OutputFormat::Json => print_json(&found)?,
        OutputFormat::Text if found.is_empty() => print("nothing is in quarantine\n")?,
        OutputFormat::Text => {
            let rows = found.iter().map(|finding| {
                let text = |name: &str| match &finding[name] {
                    Value::Null => "-".to_owned(),
                    Value::String(text) => text.clone(),
                    other => other.to_string(),
                };
                ["kind", "id", "revision", "serving_revision", "reason"]
                    .map(text)
                    .into()
            });
            print(&table(&["KIND", "ID", "REVISION", "SERVED", "REASON"], rows))?;
        }
    }
    match found.len() {
        0 => Ok(()),
        count => Err(Failure::runtime(format_args!("{count} in quarantine"))),
    }
}
