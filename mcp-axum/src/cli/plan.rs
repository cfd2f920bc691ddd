//! `dynmcp plan` and `dynmcp apply`: a folder of definitions, compared with what is stored, and written.

mod apply;
pub(super) mod folder;
mod target;

use super::{
    Failure,
    gateway::GatewayArguments,
    output::{OutputFormat, print, print_json},
    progress::Progress,
    store::Use,
};
pub(super) use apply::{ApplyArguments, apply};
use clap::Args;
use mcp_core::authoring::change_plan::{PlanOptions, PlanReport, Prune};
use std::path::PathBuf;
pub(super) use target::Target;

/// Something would be written.
const CHANGES: u8 = 3;
/// Something would be written that breaks clients.
const BREAKING: u8 = 4;

#[derive(Args)]
pub(super) struct PlanArguments {
    /// A folder of definition files (YAML, JSON, TOML), or one such file.
    folder: PathBuf,
    #[command(flatten)]
    gateway: GatewayArguments,
    /// Who maintains the folder: its definitions get `managed_by: NAME`, and nobody else's are touched.
    #[arg(long, value_name = "NAME")]
    owner: Option<String>,
    /// Delete what the owner maintains and the folder no longer has.
    #[arg(long, requires = "owner")]
    prune: bool,
    /// Delete everything that the folder does not have, except what somebody else maintains.
    #[arg(long, conflicts_with = "prune")]
    prune_all: bool,
    /// Change definitions too that somebody else maintains; they are the owner's from then on.
    #[arg(long)]
    take_over: bool,
    /// Show what changes as it is stored and as it will be.
    #[arg(long)]
    diff: bool,
    /// Exit with 3 if there is something to do, with 4 if that breaks clients.
    #[arg(long)]
    detailed_exitcode: bool,
    /// How to print the report.
    #[arg(long, value_enum, default_value_t)]
    format: OutputFormat,
}

/// Returns the exit code.
pub(super) fn plan(config: Option<PathBuf>, arguments: &PlanArguments) -> Result<u8, Failure> {
    super::run(async {
        let (target, report) = arguments.examine(config, Use::Read).await?;
        drop(target);
        arguments.print(&report)?;
        refuse_problems(&report)?;
        Ok(arguments.exit_code(&report))
    })
}

impl PlanArguments {
    fn options(&self) -> Result<PlanOptions, Failure> {
        let options = PlanOptions {
            owner: self.owner.clone(),
            prune: match (self.prune, self.prune_all) {
                (_, true) => Prune::All,
                (true, false) => Prune::Owned,
                (false, false) => Prune::No,
            },
            take_over: self.take_over,
            diff: self.diff,
        };
        options
            .check()
            .map_err(|problem| Failure::configuration(format_args!("--{problem}")))?;
        Ok(options)
    }

    /// The report is about everything that was read, also about what could not be.
    async fn examine(&self, config: Option<PathBuf>, purpose: Use) -> Result<(Target, PlanReport), Failure> {
        let (definitions, faults) = folder::read(&self.folder)?;
        let gateway = self.gateway.gateway()?;
        let target = Target::open(config, gateway, definitions, self.options()?, purpose).await?;
        let mut report = {
            let _progress = Progress::of("planning");
            target.plan().await?
        };
        report.problems.splice(0..0, faults);
        Ok((target, report))
    }

    fn print(&self, report: &PlanReport) -> Result<(), Failure> {
        match self.format {
            OutputFormat::Json => print_json(report),
            OutputFormat::Text => print(&report.to_string()),
        }
    }

    fn exit_code(&self, report: &PlanReport) -> u8 {
        match () {
            () if !self.detailed_exitcode || report.is_empty() => 0,
            () if report.breaking => BREAKING,
            () => CHANGES,
        }
    }
}

fn refuse_problems(report: &PlanReport) -> Result<(), Failure> {
    match report.problems.len() {
        0 => Ok(()),
        1 => Err(Failure::runtime("nothing can be written: one problem, see above")),
        many => Err(Failure::runtime(format_args!(
            "nothing can be written: {many} problems, see above"
        ))),
    }
}
