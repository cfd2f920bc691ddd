//! `dynmcp benchmark`: how fast a tool answers through a running gateway.

use super::{
    Failure,
    gateway::RunningGateway,
    output::{OutputFormat, print, print_json},
    progress::Progress,
    tool_arguments::ToolArguments,
};
use crate::client::Mcp;
use clap::Args;
use futures_util::{StreamExt, stream};
use serde_json::{json, value::RawValue};
use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

#[derive(Args)]
pub(super) struct BenchmarkArguments {
    /// The instance.
    instance: String,
    /// The tool. It is really called, as often as is said.
    tool: String,
    #[command(flatten)]
    arguments: ToolArguments,
    /// Calls in all.
    #[arg(long, short = 'n', default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    requests: u32,
    /// Calls at once.
    #[arg(long, short = 'c', default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..=1_000))]
    concurrency: u16,
    #[command(flatten)]
    gateway: RunningGateway,
    /// How to print what was measured.
    #[arg(long, value_enum, default_value_t)]
    format: OutputFormat,
}

/// What became of one call.
struct Made {
    took: Duration,
    /// Of the tool, or of the gateway.
    error: Option<String>,
}

pub(super) fn run(config: Option<PathBuf>, arguments: &BenchmarkArguments) -> Result<(), Failure> {
    let gateway = arguments.gateway.open(config)?;
    let client = Mcp::new(gateway, &arguments.instance, "dynmcp benchmark");
    let (made, took) = super::run(async {
        let tools = client.tools().await?;
        let tool = tools
            .iter()
            .find(|tool| tool.name == arguments.tool)
            .ok_or_else(|| {
                Failure::runtime(format_args!(
                    "{} has no tool `{}`",
                    arguments.instance, arguments.tool
                ))
            })?;
        let text = arguments.arguments.to_json(&tool.schema)?;
        let given: &RawValue = serde_json::from_str(&text).map_err(Failure::runtime)?;
        let progress = Progress::counted("calls", arguments.requests.into());
        let call = |_| async {
            let begun = Instant::now();
            let error = match client.call(tool, given).await {
                Ok(result) if result.is_error => Some(result.raw.get().to_owned()),
                Ok(_) => None,
                Err(error) => Some(error.to_string()),
            };
            progress.one();
            Made {
                took: begun.elapsed(),
                error,
            }
        };
        let begun = Instant::now();
        let calls = stream::iter(0..arguments.requests).map(call);
        let made: Vec<Made> = calls
            .buffer_unordered(arguments.concurrency.into())
            .collect()
            .await;
        Ok((made, begun.elapsed()))
    })?;
    report(made, took, arguments.format)
}

fn report(made: Vec<Made>, took: Duration, format: OutputFormat) -> Result<(), Failure> {
    let errors = made.iter().filter(|made| made.error.is_some()).count();
    let first = made.iter().find_map(|made| made.error.clone());
    let mut times: Vec<f64> = made.iter().map(|made| made.took.as_secs_f64() * 1e3).collect();
    times.sort_by(f64::total_cmp);
    let at = |part: f64| {
        let place = (part * times.len() as f64).ceil() as usize;
        times.get(place.saturating_sub(1)).copied().unwrap_or_default()
    };
    let (calls, seconds) = (times.len(), took.as_secs_f64());
    let rate = calls as f64 / seconds;
    let (p50, p90, p99, max) = (at(0.5), at(0.9), at(0.99), at(1.0));
    match format {
        OutputFormat::Json => print_json(&json!({
            "calls": calls, "errors": errors, "seconds": seconds, "calls_per_second": rate,
            "p50_ms": p50, "p90_ms": p90, "p99_ms": p99, "max_ms": max,
        }))?,
        OutputFormat::Text => print(&format!(
            "{calls} calls in {seconds:.2} s: {rate:.0} a second, {errors} errors\n\
             p50 {p50:.2} ms, p90 {p90:.2} ms, p99 {p99:.2} ms, longest {max:.2} ms\n"
        ))?,
    }
    match first {
        None => Ok(()),
        Some(first) => {
            let first: String = first.chars().take(300).collect();
            Err(Failure::runtime(format_args!(
                "{errors} of {calls} calls failed; the first: {first}"
            )))
        }
    }
}
