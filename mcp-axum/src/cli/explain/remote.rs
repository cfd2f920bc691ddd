//! A call of an upstream's tool, explained by a running gateway: nobody else knows what the server offers.

use super::{ExplainArguments, OutputFormat};
use crate::cli::{
    Failure, foreign,
    output::{print, print_json},
};
use http::Method;
use mcp_core::authoring::explain::RemoteExplanation;
use serde_json::{Value, json};
use std::{
    fmt::Write,
    path::{Path, PathBuf},
};

/// The upstream and the tool, where the text is neither a file nor the id of a tool with a definition.
pub(super) fn tool_of(text: &str) -> Option<(&str, &str)> {
    let (upstream, tool) = text.split_once('/')?;
    let is_id = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let path = text.split_once('#').map_or(text, |(path, _)| path);
    let is_upstream = !upstream.is_empty() && upstream.chars().all(is_id) && !tool.is_empty();
    // No tool is called like a file of definitions.
    let extension = Path::new(path)
        .extension()
        .and_then(|extension| extension.to_str());
    let is_file = extension.is_some_and(|extension| {
        let known = ["yaml", "yml", "json", "toml"];
        known.iter().any(|known| known.eq_ignore_ascii_case(extension))
    });
    (is_upstream && !is_file && !Path::new(path).exists()).then_some((upstream, tool))
}

pub(super) fn run(
    config: Option<PathBuf>,
    arguments: &ExplainArguments,
    upstream: &str,
    tool: &str,
) -> Result<(), Failure> {
    let _ = config;
    if arguments.send {
        let text = "--send: call a tool of an upstream with `dynmcp call`, through an instance that shows it";
        return Err(Failure::configuration(text));
    }
    let gateway = arguments.gateway.gateway()?.ok_or_else(|| {
        Failure::configuration(format_args!(
            "`{upstream}/{tool}` is a tool of an upstream, which a running gateway alone knows: give --server URL"
        ))
    })?;
    super::super::run(async {
        let inventory = gateway.get(&format!("/admin/uds/{upstream}/inventory")).await?;
        let inventory: Value = gateway.data(&inventory)?;
        let tools = inventory["tools"].as_array().map_or(&[][..], Vec::as_slice);
        let listed = tools.iter().find(|listed| listed["name"] == tool);
        let schema = listed.map_or(Value::Null, |listed| listed["inputSchema"].clone());
        let given = arguments.arguments.to_json(&schema)?;
        let instance = arguments
            .instance
            .as_deref()
            .filter(|instance| !instance.is_empty());
        let asked = format!(
            "{{\"tool\":{},\"arguments\":{given},\"instance\":{}}}",
            json!(tool),
            json!(instance)
        );
        let answer = gateway
            .send_json(Method::POST, &format!("/admin/uds/{upstream}/explain"), asked)
            .await?;
        let explained: RemoteExplanation = gateway.data(&answer)?;
        match arguments.format {
            OutputFormat::Json => print_json(&explained),
            OutputFormat::Text => print(&foreign::text(&text(&explained, tool))),
        }
    })
}

fn text(explained: &RemoteExplanation, tool: &str) -> String {
    let mut out = String::new();
    // Writing to a `String` cannot fail.
    let _ = writeln!(
        out,
        "{tool} of the upstream `{}`: {} over {}, revision {}",
        explained.upstream, explained.server, explained.transport, explained.protocol
    );
    if !explained.connected {
        out.push_str("  it is not connected now, so that a call fails at once\n");
    }
    if explained.held_back {
        out.push_str(
            "  nobody approved the tool as it is, so that it is neither listed nor called (`pin`)\n",
        );
    }
    if let Some(problem) = &explained.problem {
        let _ = writeln!(out, "  refused before anything is sent: {problem}");
    }
    for (name, value) in &explained.headers {
        let _ = writeln!(out, "  {name}: {value}");
    }
    if let Some(message) = &explained.message {
        let _ = writeln!(out, "  {}", message.get());
    }
    let most = explained.max_result_bytes;
    match &explained.output {
        Some(output) => {
            let _ = writeln!(
                out,
                "  its answer is shaped as the {} says, with {most} bytes of text at the most",
                output.said_by
            );
            for (name, text) in [("jq", &output.jq), ("template", &output.template)] {
                if let Some(text) = text {
                    let _ = writeln!(out, "    {name}: {text}");
                }
            }
        }
        None => {
            let _ = writeln!(
                out,
                "  its answer is the server's own, up to {most} bytes of text"
            );
        }
    }
    out
}
