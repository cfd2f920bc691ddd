//! States of before, which a running gateway knows.

use super::OneArguments;
use crate::{
    cli::{
        Failure, foreign,
        gateway::RunningGateway,
        output::{OutputFormat, Saying, print, print_json, table},
    },
    client::Gateway,
};
use clap::Args;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};
use std::{fmt::Write, path::PathBuf};

#[derive(Args)]
pub(in crate::cli) struct HistoryArguments {
    #[command(flatten)]
    one: OneArguments,
    /// States at most, the newest ones.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..=1000))]
    limit: u16,
    /// How to print them; json has the documents, too.
    #[arg(long, value_enum, default_value_t)]
    format: OutputFormat,
    #[command(flatten)]
    gateway: RunningGateway,
}

#[derive(Args)]
pub(in crate::cli) struct DiffArguments {
    #[command(flatten)]
    one: OneArguments,
    /// The earlier state: a revision of its history.
    from: u64,
    /// The later one: a revision, or what is stored now.
    #[arg(default_value = "current")]
    to: String,
    /// How to print what differs.
    #[arg(long, value_enum, default_value_t)]
    format: OutputFormat,
    #[command(flatten)]
    gateway: RunningGateway,
}

#[derive(Args)]
pub(in crate::cli) struct RollbackArguments {
    #[command(flatten)]
    one: OneArguments,
    /// The state to bring back: a revision of its history.
    revision: u64,
    #[command(flatten)]
    saying: Saying,
    #[command(flatten)]
    gateway: RunningGateway,
}

pub(in crate::cli) fn history(config: Option<PathBuf>, arguments: &HistoryArguments) -> Result<(), Failure> {
    let path = format!("{}/history?limit={}", path(&arguments.one), arguments.limit);
    let states: Vec<Value> = ask(config, &arguments.gateway, &path)?;
    match arguments.format {
        OutputFormat::Json => print_json(&states),
        OutputFormat::Text => {
            let rows = states.iter().map(|state| {
                let text = |name: &str| state[name].as_str().unwrap_or("-").to_owned();
                let what = match state["deleted"].as_bool() {
                    Some(true) => "deleted",
                    _ => "stored",
                };
                vec![
                    state["revision"].to_string(),
                    text("at"),
                    what.to_owned(),
                    text("principal"),
                ]
            });
            print(&table(&["REVISION", "AT", "WHAT", "BY"], rows))
        }
    }
}

pub(in crate::cli) fn diff(config: Option<PathBuf>, arguments: &DiffArguments) -> Result<(), Failure> {
    let to = utf8_percent_encode(&arguments.to, NON_ALPHANUMERIC);
    let path = format!("{}/history/{}/diff?to={to}", path(&arguments.one), arguments.from);
    let diff: Value = ask(config, &arguments.gateway, &path)?;
    match arguments.format {
        OutputFormat::Json => print_json(&diff),
        OutputFormat::Text => {
            let mut out = String::new();
            for change in diff["changes"].as_array().into_iter().flatten() {
                // Writing to a `String` cannot fail.
                let pointer = change["pointer"].as_str().unwrap_or_default();
                let _ = writeln!(out, "{}", foreign::line(pointer));
                for (sign, name) in [("-", "from"), ("+", "to")] {
                    if let Some(value) = change.get(name) {
                        let _ = writeln!(out, "  {sign} {}", foreign::json(&value.to_string()));
                    }
                }
            }
            print(if out.is_empty() {
                "both say the same\n"
            } else {
                &out
            })
        }
    }
}

pub(in crate::cli) fn rollback(
    config: Option<PathBuf>,
    arguments: &RollbackArguments,
) -> Result<(), Failure> {
    let gateway = arguments.gateway.open(config)?;
    let path = format!("{}/rollback", path(&arguments.one));
    let stored: Value = super::super::run(async {
        Ok(gateway
            .post(&path, &json!({"revision": arguments.revision}))
            .await?)
    })?;
    arguments.saying.say(
        &format!(
            "{} `{}` is as it was at revision {}, stored as revision {}",
            arguments.one.kind, arguments.one.id, arguments.revision, stored["revision"]
        ),
        &stored,
    )
}

fn path(one: &OneArguments) -> String {
    let id = utf8_percent_encode(&one.id, NON_ALPHANUMERIC);
    format!("/admin/{}/{id}", one.kind.path_segment())
}

fn ask<T: serde::de::DeserializeOwned>(
    config: Option<PathBuf>,
    gateway: &RunningGateway,
    path: &str,
) -> Result<T, Failure> {
    let gateway: Gateway = gateway.open(config)?;
    super::super::run(async {
        let answer = gateway.get(path).await?;
        Ok(gateway.data(&answer)?)
    })
}
