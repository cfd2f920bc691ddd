//! `dynmcp apply`

use super::{OutputFormat, PlanArguments, print, refuse_problems};
use crate::cli::{Failure, progress::Progress, store::Use};
use clap::Args;
use mcp_core::authoring::{change_plan::PlanReport, writer::WriteError};
use std::{
    io::{self, BufRead, IsTerminal, Write},
    path::PathBuf,
};

#[derive(Args)]
pub(in crate::cli) struct ApplyArguments {
    #[command(flatten)]
    plan: PlanArguments,
    /// Write only exactly the plan of this `fingerprint` (`dynmcp plan --format json` has it), to exactly what was stored then.
    #[arg(long = "plan", value_name = "FINGERPRINT")]
    fingerprint: Option<String>,
    /// Show the plan, write nothing.
    #[arg(long)]
    dry_run: bool,
    /// Do not ask; without a terminal nobody is asked anyway.
    #[arg(long, short)]
    yes: bool,
}

/// Returns the exit code.
pub(in crate::cli) fn apply(config: Option<PathBuf>, arguments: &ApplyArguments) -> Result<u8, Failure> {
    let ApplyArguments {
        plan,
        fingerprint,
        dry_run,
        yes,
    } = arguments;
    crate::cli::run(async {
        let (target, mut report) = plan.examine(config, Use::of(*dry_run)).await?;
        let is_text = plan.format == OutputFormat::Text;
        if is_text || *dry_run || !report.problems.is_empty() {
            plan.print(&report)?;
        }
        refuse_problems(&report)?;
        if fingerprint
            .as_ref()
            .is_some_and(|wanted| *wanted != report.fingerprint)
        {
            return Err(Failure::runtime(WriteError::OtherPlan));
        }
        if *dry_run {
            if is_text {
                print("dry run: nothing was written\n")?;
            }
            return Ok(plan.exit_code(&report));
        }
        if report.is_empty() {
            if !is_text {
                plan.print(&report)?;
            }
            return Ok(0);
        }
        if !yes && !confirmed(&report)? {
            return Err(Failure::runtime("nothing was written"));
        }
        {
            let _progress = Progress::of("writing");
            target.apply(&mut report).await?;
        }
        match (plan.format, report.revision) {
            (OutputFormat::Json, _) => plan.print(&report)?,
            (OutputFormat::Text, Some(revision)) => print(&format!("written, revision {revision}\n"))?,
            (OutputFormat::Text, None) => print("nothing was left to write\n")?,
        }
        Ok(plan.exit_code(&report))
    })
}

/// Only somebody at a terminal is asked.
fn confirmed(report: &PlanReport) -> Result<bool, Failure> {
    let input = io::stdin();
    if !input.is_terminal() {
        return Ok(true);
    }
    let count = report.created.len() + report.changed.len() + report.removed.len();
    let warning = if report.breaking {
        " They break clients."
    } else {
        ""
    };
    eprint!("Write these {count} changes?{warning} [y/N] ");
    io::stderr().flush()?;
    let mut line = String::new();
    input.lock().read_line(&mut line)?;
    Ok(matches!(line.trim(), "y" | "Y" | "yes"))
}
