//! `dynmcp migrate`

use super::{
    Failure,
    output::{OutputFormat, print, print_json},
    progress::Progress,
};
use crate::{
    runtime::{control_plane, server::StartError},
    settings::{Layers, Settings},
};
use clap::Args;
use mcp_common::migration::{Migrate, Migration};
use serde::Serialize;
use std::{fmt::Write, path::PathBuf};

#[derive(Args)]
pub(super) struct MigrateArguments {
    /// Say what would be done and change nothing; exit code 3 if there is something to do.
    #[arg(long, visible_alias = "dry-run")]
    check: bool,
    /// How to print the report.
    #[arg(long, value_enum, default_value_t)]
    format: OutputFormat,
}

/// What programs read.
#[derive(Serialize)]
struct Report<'a> {
    /// The name by which `app.data_source` selects it.
    data_source: &'a str,
    /// `up_to_date`, `migrated`, `pending` (with `--check`), or `none` where the data source has no migrations.
    outcome: &'static str,
    #[serde(flatten)]
    migration: Option<&'a Migration>,
}

pub(super) fn run(config: Option<PathBuf>, arguments: &MigrateArguments) -> Result<(), Failure> {
    let settings = Settings::load(&Layers::of_process(config))?;
    let migrate = if arguments.check {
        Migrate::Check
    } else {
        Migrate::Apply
    };
    let migration = super::run(async {
        let _progress = Progress::of("migrating");
        let migration = control_plane::migrate(&settings, migrate).await;
        Ok(migration.map_err(StartError::from)?)
    })?;
    let outcome = match &migration {
        None => "none",
        Some(migration) if migration.steps.is_empty() => "up_to_date",
        Some(_) if arguments.check => "pending",
        Some(_) => "migrated",
    };
    let data_source = &*settings.app.data_source;
    match arguments.format {
        OutputFormat::Json => print_json(&Report {
            data_source,
            outcome,
            migration: migration.as_ref(),
        })?,
        OutputFormat::Text => print(&match &migration {
            None => format!("the data source `{data_source}` has no migrations: nothing to do\n"),
            Some(migration) => text(migration, migrate),
        })?,
    }
    match outcome {
        "pending" => Err(Failure::pending(
            "the data source is not up to date; `dynmcp migrate` without --check does what is pending",
        )),
        _ => Ok(()),
    }
}

fn text(migration: &Migration, migrate: Migrate) -> String {
    let Migration {
        store,
        found,
        wanted,
        steps,
    } = migration;
    if steps.is_empty() {
        return format!("{store}: schema {wanted}, up to date\n");
    }
    let had = found.map_or_else(
        || "no complete tables of DynMCP".to_owned(),
        |version| format!("schema {version}"),
    );
    let (word, end) = match migrate {
        Migrate::Apply => ("done", format!("schema {wanted}, up to date")),
        Migrate::Check => (
            "pending",
            format!("nothing was changed; schema {wanted} is wanted"),
        ),
    };
    let mut text = format!("{store}: {had}\n");
    for step in steps {
        let _ = writeln!(text, "  {word}: {step}");
    }
    text + &end + "\n"
}
