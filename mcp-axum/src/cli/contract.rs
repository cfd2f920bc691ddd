//! `dynmcp test`: the examples of definitions, run as contract tests.

mod local;
mod remote;
mod tap;

use super::{
    Failure,
    gateway::GatewayArguments,
    output::{OutputFormat, print, print_json},
    progress::Progress,
    upstreams::{self, OneUpstream},
};
use clap::Args;
use mcp_common::definition::upstream::is_id;
use mcp_core::authoring::examples::{ExampleRun, Mode, Verdict};
use serde::Serialize;
use std::path::PathBuf;

/// Stands for the examples of a definition that has none that could be run.
const DEFINITION: &str = "definition";
/// Something is not as the examples say.
const FAILED: u8 = 1;

#[derive(Args, Default)]
pub(super) struct TestArguments {
    /// A folder of definition files, or one such file. Without it: what the configured data source has, or with
    /// --server what that gateway serves. Or an upstream's id: the same as `upstreams test ID`.
    #[arg(value_name = "FOLDER|UPSTREAM")]
    folder: Option<PathBuf>,
    #[command(flatten)]
    gateway: GatewayArguments,
    /// Answers come from the examples, nothing is sent. This is how it is done without --live.
    #[arg(long, conflicts_with = "live")]
    mock: bool,
    /// Send the requests, with the egress rules and the secrets that hold for calls; only GET, HEAD and OPTIONS.
    #[arg(long)]
    live: bool,
    /// With --live: send requests of other methods too, which may change something.
    #[arg(long, requires = "live")]
    any_method: bool,
    /// Only these tools; `upstream/tool` for one of an upstream. Can be repeated.
    #[arg(long = "tool", value_name = "ID")]
    tools: Vec<String>,
    /// How to print the results; text is TAP (Test Anything Protocol).
    #[arg(long, value_enum, default_value_t)]
    format: OutputFormat,
}

/// What was run, and what could not be.
#[derive(Debug, Default, Serialize)]
pub(super) struct Results {
    passed: usize,
    failed: usize,
    skipped: usize,
    examples: Vec<PlacedRun>,
}

/// One example and the place of its definition.
#[derive(Debug, Serialize)]
struct PlacedRun {
    #[serde(skip_serializing_if = "Option::is_none")]
    place: Option<String>,
    #[serde(flatten)]
    run: ExampleRun,
}

/// Returns the exit code.
pub(super) fn run(config: Option<PathBuf>, arguments: &TestArguments) -> Result<u8, Failure> {
    if let Some(id) = arguments.upstream() {
        let one = OneUpstream::new(id.to_owned(), arguments.gateway.running());
        upstreams::test(config, &one, arguments.format)?;
        return Ok(0);
    }
    if arguments.folder.is_some() && arguments.gateway.server().is_some() {
        return Err(Failure::configuration(
            "a folder cannot be used with --server, which tests what that gateway serves",
        ));
    }
    let results = super::run(results(config, arguments))?;
    match arguments.format {
        OutputFormat::Json => print_json(&results)?,
        OutputFormat::Text => print(&tap::text(&results))?,
    }
    if let Some(missing) = arguments.missing(&results) {
        return Err(Failure::runtime(format_args!(
            "there is no tool `{missing}` with examples"
        )));
    }
    if results.examples.is_empty() {
        return Err(Failure::runtime(
            "nothing was tested: no tool has `examples` (docs/DEFINITIONS.md says how they are written)",
        ));
    }
    Ok(if results.failed > 0 { FAILED } else { 0 })
}

/// What became of the examples.
pub(super) async fn results(config: Option<PathBuf>, arguments: &TestArguments) -> Result<Results, Failure> {
    let _progress = Progress::of("testing");
    match arguments.gateway.gateway()? {
        Some(gateway) => remote::run(&gateway, arguments).await,
        None => local::run(config, arguments).await,
    }
}

impl TestArguments {
    /// All examples of what is stored or served, with their own answers.
    pub(super) fn of(gateway: GatewayArguments) -> Self {
        Self {
            gateway,
            ..Self::default()
        }
    }

    /// The upstream that is meant: something that is no file here, and could be its id.
    fn upstream(&self) -> Option<&str> {
        let folder = self.folder.as_deref().filter(|folder| !folder.exists())?;
        let id = folder.to_str()?;
        is_id(id).then_some(id)
    }

    fn mode(&self) -> Mode {
        match self.live && !self.mock {
            true => Mode::Live {
                any_method: self.any_method,
            },
            false => Mode::Mock,
        }
    }

    fn wants(&self, tool: &str) -> bool {
        self.tools.is_empty() || self.tools.iter().any(|wanted| wanted == tool)
    }

    /// Whether a tool of this upstream is meant.
    fn wants_of_upstream(&self, id: &str) -> bool {
        let is_of = |tool: &String| tool.split_once('/').is_some_and(|(upstream, _)| upstream == id);
        self.tools.is_empty() || self.tools.iter().any(is_of)
    }

    /// A tool that was asked for by name; not to test it would look like success.
    fn missing(&self, results: &Results) -> Option<&String> {
        let is_there = |tool: &&String| results.examples.iter().any(|example| example.run.tool == **tool);
        self.tools.iter().find(|tool| !is_there(tool))
    }
}

impl Results {
    /// How many examples failed.
    pub(super) fn failed(&self) -> usize {
        self.failed
    }

    /// What keeps the results that `wanted` says by their tools, and no definition whose examples cannot be run at all.
    pub(super) fn keep(self, wanted: impl Fn(&str) -> bool) -> Self {
        let mut kept = Self::default();
        for PlacedRun { place, run } in self.examples {
            if run.example != DEFINITION && wanted(&run.tool) {
                kept.add(place.as_deref(), run);
            }
        }
        kept
    }

    /// Those that failed and why, and how many did not.
    pub(super) fn failures(&self) -> String {
        let mut out = format!(
            "examples: {} passed, {} failed, {} skipped\n",
            self.passed, self.failed, self.skipped
        );
        for PlacedRun { run, .. } in &self.examples {
            if run.verdict == Verdict::Failed {
                let details = run.details.join("; ").replace(char::is_control, " ");
                out.push_str(&format!("  {} {}: {details}\n", run.tool, run.example));
            }
        }
        out
    }

    fn add(&mut self, place: Option<&str>, run: ExampleRun) {
        match run.verdict {
            Verdict::Passed => self.passed += 1,
            Verdict::Failed => self.failed += 1,
            Verdict::Skipped => self.skipped += 1,
        }
        self.examples.push(PlacedRun {
            place: place.map(str::to_owned),
            run,
        });
    }

    /// A definition whose examples cannot be run at all.
    fn broken(&mut self, place: Option<&str>, tool: &str, reason: String) {
        let run = ExampleRun {
            tool: tool.to_owned(),
            example: DEFINITION.to_owned(),
            description: None,
            verdict: Verdict::Failed,
            details: vec![reason],
        };
        self.add(place, run);
    }
}
