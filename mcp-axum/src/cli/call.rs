//! `dynmcp call …`: a tool, called as an MCP client calls it.

mod client;
mod list;

use super::{
    Failure,
    gateway::Gateway,
    near,
    output::{OutputFormat, print, print_json},
    tool_arguments::ToolArguments,
};
use crate::settings::{Layers, Settings};
use clap::Args;
use client::{Client, ToolResult};
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
    /// The gateway [default: the configured one, on this machine].
    #[arg(long, value_name = "URL")]
    server: Option<String>,
    /// A key that may use the instance.
    #[arg(long, env = "DYNMCP_KEY", hide_env_values = true)]
    key: Option<String>,
    /// How to print the result.
    #[arg(long, value_enum, default_value_t)]
    format: OutputFormat,
}

pub(super) fn run(config: Option<PathBuf>, arguments: &CallArguments) -> Result<(), Failure> {
    let server = match &arguments.server {
        Some(server) => server.clone(),
        None => configured(config)?,
    };
    let gateway = match &arguments.key {
        Some(key) => Gateway::new(&server, key)?,
        None => Gateway::anonymous(&server)?,
    };
    let client = Client::new(gateway, &arguments.instance);
    super::run(async {
        let tools = client.tools().await?;
        let Some(name) = &arguments.tool else {
            return match arguments.format {
                OutputFormat::Json => print_json(&tools.iter().map(|tool| &tool.raw).collect::<Vec<_>>()),
                OutputFormat::Text => print(&list::text(&tools)),
            };
        };
        let Some(tool) = tools.iter().find(|tool| tool.name == *name) else {
            let hint = near::hint(name, tools.iter().map(|tool| tool.name.as_str()));
            let (instance, count) = (&arguments.instance, tools.len());
            return Err(Failure::runtime(format_args!(
                "{instance} has no tool `{name}`{hint} `dynmcp call {instance}` lists its {count} tools"
            )));
        };
        let text = arguments.arguments.to_json(&tool.schema)?;
        let given: &RawValue = serde_json::from_str(&text).map_err(Failure::runtime)?;
        let result = client.call(tool, given).await?;
        show(&result, arguments.format)
    })
}

/// Where the gateway of this configuration listens, seen from this machine.
fn configured(config: Option<PathBuf>) -> Result<String, Failure> {
    let settings = Settings::load(&Layers::of_process(config))?;
    let host = match settings.app.host.as_str() {
        "0.0.0.0" => "127.0.0.1",
        "::" | "[::]" => "[::1]",
        host => host,
    };
    let host = if host.contains(':') && !host.starts_with('[') {
        format!("[{host}]")
    } else {
        host.to_owned()
    };
    Ok(format!("http://{host}:{}", settings.app.port))
}

fn show(result: &ToolResult, format: OutputFormat) -> Result<(), Failure> {
    match format {
        OutputFormat::Json => print_json(&result.raw)?,
        OutputFormat::Text => print(&list::content(&result.content))?,
    }
    if result.is_error {
        return Err(Failure::runtime("the tool reports an error"));
    }
    Ok(())
}
