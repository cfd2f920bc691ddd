//! `dynmcp access explain`: what the holder of a key may do at a running gateway, and which rule says so.

use super::{
    Failure, foreign,
    gateway::RunningGateway,
    output::{OutputFormat, print, print_json},
    tool_arguments::ToolArguments,
};
use crate::client::{Gateway, Mcp};
use clap::{Args, Subcommand};
use http::Method;
use serde_json::{Map, Value, json};
use std::{fmt::Write, path::PathBuf};

#[derive(Subcommand)]
pub(super) enum AccessCommand {
    /// Say what the holder of a key sees of an instance, whether a call is allowed, and by which rule. Nothing is called.
    ///
    ///   dynmcp access explain claude-support support refund_order amount=2000
    ///   dynmcp access explain claude-support --action admin/tds/write
    ///   dynmcp access explain role:support-agent support refund_order amount=2000
    ///
    /// Exit code 1 where something of what was asked for is not allowed.
    #[command(verbatim_doc_comment)]
    Explain(Box<ExplainAccess>),
}

#[derive(Args)]
pub(super) struct ExplainAccess {
    /// The key, by its id or its name; or role:NAME for somebody who has this role, and no other.
    #[arg(value_name = "KEY|role:ROLE")]
    wanted: String,
    /// The instance.
    instance: Option<String>,
    /// A tool of the instance.
    tool: Option<String>,
    #[command(flatten)]
    arguments: ToolArguments,
    /// Something that is done in /admin: admin/tds/write.
    #[arg(long)]
    action: Option<String>,
    #[command(flatten)]
    gateway: RunningGateway,
    /// How to print the answer.
    #[arg(long, value_enum, default_value_t)]
    format: OutputFormat,
}

pub(super) fn run(config: Option<PathBuf>, command: &AccessCommand) -> Result<(), Failure> {
    let AccessCommand::Explain(asked) = command;
    let (gateway, tools) = (asked.gateway.open(config.clone())?, asked.gateway.open(config)?);
    super::run(async {
        let body = question(asked, tools).await?;
        let answer = gateway
            .send_json(Method::POST, "/admin/access/explain", body)
            .await?;
        let answer: Value = gateway.data(&answer)?;
        match asked.format {
            OutputFormat::Json => print_json(&answer)?,
            OutputFormat::Text => print(&foreign::text(&text(asked, &answer)))?,
        }
        match is_allowed(&answer) {
            true => Ok(()),
            false => Err(Failure::runtime("not allowed")),
        }
    })
}

/// Whether everything is that was asked for.
fn is_allowed(answer: &Value) -> bool {
    let verdicts = [
        &answer["instance"]["open"],
        &answer["tool"]["allowed"],
        &answer["action"]["allowed"],
    ];
    verdicts.iter().all(|verdict| verdict.as_bool() != Some(false))
}

async fn question(asked: &ExplainAccess, gateway: Gateway) -> Result<String, Failure> {
    let (whose, name) = match asked.wanted.strip_prefix("role:") {
        Some(role) => ("role", role),
        None => ("key", asked.wanted.as_str()),
    };
    let mut question = Map::from_iter([(whose.to_owned(), json!(name))]);
    let members = [
        ("instance", &asked.instance),
        ("tool", &asked.tool),
        ("action", &asked.action),
    ];
    for (name, value) in members {
        question.extend(value.iter().map(|value| (name.to_owned(), json!(value))));
    }
    let mut body = json!(question).to_string();
    if let Some((instance, tool)) = asked.instance.as_ref().zip(asked.tool.as_ref()) {
        // An instance that is not there is said by the answer.
        let tools = Mcp::new(gateway, instance, "dynmcp access").tools().await;
        let mut tools = tools.unwrap_or_default().into_iter();
        let schema = tools.find(|known| known.name == *tool).map(|tool| tool.schema);
        let arguments = asked.arguments.to_json(&schema.unwrap_or_default())?;
        // Numbers keep the text they came in.
        body.insert_str(body.len() - 1, &format!(",\"arguments\":{arguments}"));
    }
    Ok(body)
}

fn text(asked: &ExplainAccess, answer: &Value) -> String {
    let list = |value: &Value| {
        let items = value.as_array().into_iter().flatten().filter_map(Value::as_str);
        let items: Vec<&str> = items.collect();
        if items.is_empty() {
            "-".to_owned()
        } else {
            items.join(", ")
        }
    };
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut out = match answer["key"].as_str() {
        Some(key) => format!("key {key}, roles {}\n", list(&answer["roles"])),
        None => format!("role {}\n", list(&answer["roles"])),
    };
    if let Some(reason) = answer["broken"].as_str() {
        // Writing to a `String` cannot fail.
        let _ = writeln!(out, "opens nothing: {reason}");
    }
    if answer["limits"].is_array() {
        let _ = writeln!(out, "limits: {}", list(&answer["limits"]));
    }
    if let (Some(instance), seen @ Value::Object(_)) = (&asked.instance, &answer["instance"]) {
        let _ = match seen["open"].as_bool() {
            Some(true) => writeln!(
                out,
                "instance {instance}: open; lists {}; {} hidden",
                list(&seen["tools"]),
                seen["hidden"]
            ),
            _ => writeln!(out, "instance {instance}: not open"),
        };
    }
    let tool = asked
        .tool
        .as_ref()
        .map(|tool| (format!("call of {tool}"), &answer["tool"]));
    let action = asked
        .action
        .as_ref()
        .map(|action| (action.clone(), &answer["action"]));
    for (what, verdict) in tool.into_iter().chain(action) {
        let _ = match verdict["allowed"].as_bool() {
            Some(true) => {
                let external = match verdict["external"].as_str() {
                    Some("fail_open") => {
                        "; the policy service does not answer, which does not hold calls up here"
                    }
                    Some(_) => " and by the policy service",
                    None => "",
                };
                writeln!(out, "{what}: allowed by {}{external}", word(&verdict["rule"]))
            }
            _ => writeln!(out, "{what}: not allowed: {}", word(&verdict["reason"])),
        };
    }
    out
}
