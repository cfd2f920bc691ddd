//! `dynmcp call …`: a tool, called as an MCP client calls it.

pub(super) mod list;

use super::{
    Failure,
    gateway::RunningGateway,
    near,
    output::{OutputFormat, print, print_json},
    tool_arguments::ToolArguments,
};
use crate::client::{ClientError, Gateway, Mcp, Tool, ToolResult};
use clap::Args;
use http::StatusCode;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::path::PathBuf;

#[derive(Args)]
pub(super) struct CallArguments {
    /// The instance.
    instance: String,
    /// The tool, as the instance calls it; without one the tools are listed.
    tool: Option<String>,
    #[command(flatten)]
    arguments: ToolArguments,
    #[command(flatten)]
    gateway: RunningGateway,
    /// How to print the result.
    #[arg(long, value_enum, default_value_t)]
    format: OutputFormat,
}

pub(super) fn run(config: Option<PathBuf>, arguments: &CallArguments) -> Result<(), Failure> {
    let gateway = arguments.gateway.open(config)?;
    let client = Mcp::new(gateway, &arguments.instance, "dynmcp call");
    super::run(async {
        let tools = match client.tools().await {
            Ok(tools) => tools,
            Err(error) => return Err(refusal(&client, &arguments.instance, error).await),
        };
        let Some(name) = &arguments.tool else {
            return match arguments.format {
                OutputFormat::Json => print_json(&tools.iter().map(|tool| &tool.raw).collect::<Vec<_>>()),
                OutputFormat::Text => print(&list::text(&tools.iter().collect::<Vec<_>>())),
            };
        };
        let tool = find(&arguments.instance, &tools, name)?;
        let text = arguments.arguments.to_json(&tool.schema)?;
        let given: &RawValue = serde_json::from_str(&text).map_err(Failure::runtime)?;
        let result = client.call(tool, given).await?;
        show(&result, arguments.format)
    })
}

/// The tool of this name, or what could have been meant.
pub(super) fn find<'t>(instance: &str, tools: &'t [Tool], name: &str) -> Result<&'t Tool, Failure> {
    tools.iter().find(|tool| tool.name == name).ok_or_else(|| {
        let hint = match near::hint(name, tools.iter().map(|tool| tool.name.as_str())) {
            none if none.is_empty() => ";".to_owned(),
            hint => hint,
        };
        let count = tools.len();
        Failure::runtime(format_args!(
            "{instance} has no tool `{name}`{hint} `dynmcp call {instance}` lists its {count} tools"
        ))
    })
}

/// With what may be done about it.
pub(super) async fn refusal(client: &Mcp, instance: &str, error: ClientError) -> Failure {
    let ClientError::McpRefused {
        status,
        text,
        is_at_the_door,
    } = error
    else {
        return error.into();
    };
    match status {
        StatusCode::UNAUTHORIZED => {
            Failure::runtime(format_args!("{text}; give one with --key or DYNMCP_KEY"))
        }
        StatusCode::NOT_FOUND if is_at_the_door => {
            let known = instances(client.gateway()).await;
            let hint = match near::hint(instance, known.iter().map(String::as_str)) {
                none if none.is_empty() && !known.is_empty() => {
                    format!("; there are {}", known.join(", "))
                }
                hint => hint,
            };
            Failure::runtime(format!("{text}{hint}"))
        }
        _ => Failure::runtime(text),
    }
}

/// The ids of all instances, as far as the key may know them and they are few.
async fn instances(gateway: &Gateway) -> Vec<String> {
    #[derive(Deserialize)]
    struct Instance {
        id: String,
    }
    let Ok(answer) = gateway.get("/admin/ids?limit=50").await else {
        return Vec::new();
    };
    let found = gateway.data::<Vec<Instance>>(&answer);
    found.map_or_else(
        |_| Vec::new(),
        |found| found.into_iter().map(|instance| instance.id).collect(),
    )
}

/// An error of the tool is one of the command.
pub(super) fn show(result: &ToolResult, format: OutputFormat) -> Result<(), Failure> {
    match format {
        OutputFormat::Json => print_json(&result.raw)?,
        OutputFormat::Text => print(&list::content(&result.content))?,
    }
    if result.is_error {
        return Err(Failure::runtime("the tool reports an error"));
    }
    Ok(())
}
