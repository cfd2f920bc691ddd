//! `dynmcp benchmark`: how fast a tool answers through a running gateway.

use super::{
    Failure, call,
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
    sync::OnceLock,
    time::{Duration, Instant},
};

/// As much of the first error as is worth reading, in characters.
const MOST_OF_AN_ERROR: usize = 300;

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

/// What became of one call. There may be millions of them.
struct Made {
    took: Duration,
    has_failed: bool,
}

pub(super) fn run(config: Option<PathBuf>, arguments: &BenchmarkArguments) -> Result<(), Failure> {
    let gateway = arguments.gateway.open(config)?;
    let client = Mcp::new(gateway, &arguments.instance, "dynmcp benchmark");
    // The first error, of the tool or of the gateway.
    let first = OnceLock::new();
    let (made, took) = super::run(async {
        let tools = client.tools().await?;
        let tool = call::find(&arguments.instance, &tools, &arguments.tool)?;
        let text = arguments.arguments.to_json(&tool.schema)?;
        let given: &RawValue = serde_json::from_str(&text).map_err(Failure::runtime)?;
        let progress = Progress::counted("calls", arguments.requests.into());
        let call = |_| async {
            let begun = Instant::now();
            let called = client.call(tool, given).await;
            let took = begun.elapsed();
            let has_failed = match called {
                Ok(result) if !result.is_error => false,
                Ok(result) => note(&first, result.raw.get()),
                Err(error) => note(&first, &error.to_string()),
            };
            progress.one();
            Made { took, has_failed }
        };
        let begun = Instant::now();
        let calls = stream::iter(0..arguments.requests).map(call);
        let made: Vec<Made> = calls
            .buffer_unordered(arguments.concurrency.into())
            .collect()
            .await;
        Ok((made, begun.elapsed()))
    })?;
    report(&made, first.into_inner(), took, arguments.format)
}

/// Keeps the beginning of the first one. `true`: it has failed.
fn note(first: &OnceLock<String>, error: &str) -> bool {
    first.get_or_init(|| error.chars().take(MOST_OF_AN_ERROR).collect());
    true
}

fn report(made: &[Made], first: Option<String>, took: Duration, format: OutputFormat) -> Result<(), Failure> {
    let errors = made.iter().filter(|made| made.has_failed).count();
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
        Some(first) => Err(Failure::runtime(format_args!(
            "{errors} of {calls} calls failed; the first: {first}"
        ))),
    }
}
