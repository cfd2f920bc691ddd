//! `dynmcp pin`: what of an upstream's tools nobody has approved, and the approval.

use super::{
    Failure, foreign,
    gateway::RunningGateway,
    output::{OutputFormat, print, print_json},
};
use clap::{Args, ValueEnum};
use http::Method;
use serde_json::{Map, Value, json};
use std::{fmt::Write, path::PathBuf};

#[derive(Args)]
pub(super) struct PinArguments {
    /// The upstream.
    id: String,
    /// Approve its tools as they are shown.
    #[arg(long)]
    approve: bool,
    /// Only this tool, by the server's own name. Can be repeated.
    #[arg(long, value_name = "NAME")]
    tool: Vec<String>,
    /// What happens to tools that nobody approved from now on.
    #[arg(long, requires = "approve")]
    mode: Option<Mode>,
    #[command(flatten)]
    gateway: RunningGateway,
    /// How to print what differs.
    #[arg(long, value_enum, default_value_t)]
    format: OutputFormat,
}

#[derive(Clone, Copy, ValueEnum)]
enum Mode {
    /// Nothing.
    Off,
    /// They are shown; log, status and metrics say so.
    Warn,
    /// They are neither listed nor called.
    Enforce,
}

pub(super) fn run(config: Option<PathBuf>, arguments: &PinArguments) -> Result<(), Failure> {
    let gateway = arguments.gateway.open(config)?;
    let id = percent_encoding::utf8_percent_encode(&arguments.id, percent_encoding::NON_ALPHANUMERIC);
    super::run(async {
        let answer = gateway.get(&format!("/admin/uds/{id}/drift")).await?;
        let drift: Vec<Value> = gateway.data(&answer)?;
        let is_meant = |one: &Value| {
            let name = one["tool"].as_str().unwrap_or_default();
            arguments.tool.is_empty() || arguments.tool.iter().any(|tool| tool == name)
        };
        let drift: Vec<Value> = drift.into_iter().filter(is_meant).collect();
        match arguments.format {
            OutputFormat::Json => print_json(&drift)?,
            OutputFormat::Text => print(&text(&drift))?,
        }
        if !arguments.approve {
            return Ok(());
        }
        // What was shown, and nothing that has changed since.
        let tools = drift.iter().filter_map(|one| {
            let name = one["tool"].as_str()?.to_owned();
            Some((name, one["found"].clone()))
        });
        let mut approval = json!({"tools": tools.collect::<Map<_, _>>()});
        if let Some(mode) = arguments.mode {
            let word = mode.to_possible_value().map(|value| value.get_name().to_owned());
            approval["mode"] = json!(word);
        }
        let answer = gateway
            .send_json(
                Method::POST,
                &format!("/admin/uds/{id}/approve"),
                approval.to_string(),
            )
            .await?;
        let _: Value = gateway.data(&answer)?;
        let said = format!("approved: {} of {}\n", drift.len(), arguments.id);
        match arguments.format {
            OutputFormat::Text => print(&said),
            // What was approved stands above.
            OutputFormat::Json => {
                eprint!("{}", foreign::text(&said));
                Ok(())
            }
        }
    })
}

fn text(drift: &[Value]) -> String {
    if drift.is_empty() {
        return "all tools are as they were approved\n".to_owned();
    }
    let plain = |value: &Value| match value {
        Value::String(text) => foreign::line(text),
        other => foreign::json(&other.to_string()),
    };
    let mut out = String::new();
    for one in drift {
        let held_back = match one["held_back"] == true {
            true => ", held back",
            false => "",
        };
        // Writing to a `String` cannot fail.
        let _ = writeln!(
            out,
            "{} ({}{held_back})",
            plain(&one["tool"]),
            plain(&one["what"])
        );
        match one["changes"].as_array() {
            Some(changes) => {
                for change in changes {
                    let _ = writeln!(out, "  {}", plain(&change["pointer"]));
                    for (sign, member) in [('-', "from"), ('+', "to")] {
                        if let Some(value) = change.get(member) {
                            let _ = writeln!(out, "    {sign} {}", plain(value));
                        }
                    }
                }
            }
            None if one["what"] == "gone" => {}
            None => {
                let _ = writeln!(out, "    + {}", plain(&one["now"]));
            }
        }
    }
    out
}
