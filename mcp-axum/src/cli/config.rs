//! `dynmcp config …`

mod convert;
mod doctor;
mod generate;

use super::{
    Failure,
    output::{OutputFormat, Saying, print, print_json},
};
use crate::{
    reload,
    runtime::control_plane,
    settings::{DEFAULT_TOML, Home, Layers, Settings},
};
use clap::Subcommand;
use convert::ConvertArguments;
use generate::Template;
use serde_json::{Value, json};
use std::{
    fs::{self, OpenOptions},
    io::Write,
    path::{Path, PathBuf},
};

#[derive(Subcommand)]
pub(super) enum ConfigCommand {
    /// Say `ok`, or what is wrong: the key, the reason, what would be right.
    Check {
        #[command(flatten)]
        saying: Saying,
    },
    /// Print what is in effect after file and environment, secrets redacted.
    Show {
        /// How to print it; text is TOML.
        #[arg(long, value_enum, default_value_t)]
        format: OutputFormat,
    },
    /// Print the commented reference with every key and its default.
    Default,
    /// Print a file to start from.
    Generate {
        /// Who runs the gateway.
        #[arg(long, value_enum)]
        template: Template,
        /// Write it into this file, which must not be there yet.
        #[arg(long, short, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Write a configuration in the other format, or make one of this gateway of an aggregator's.
    ///
    /// What the aggregator Only1MCP reads is YAML or TOML, and `dynmcp start` reads it as it is. As `dynmcp` its servers become
    /// definitions in files, and the rest a configuration that has them for its data source:
    ///
    ///   dynmcp config convert only1mcp.yaml --to toml > only1mcp.toml
    ///   dynmcp config convert only1mcp.yaml --to dynmcp --output gateway
    #[command(verbatim_doc_comment)]
    Convert(ConvertArguments),
    /// Look for problems of the configuration and of where it is to run, and say what could be better.
    ///
    /// Also whether somebody can listen there and the data source answers. Exit code 1 where there is a problem.
    Doctor {
        /// How to print what was found.
        #[arg(long, value_enum, default_value_t)]
        format: OutputFormat,
    },
}

pub(super) fn run(file: Option<PathBuf>, command: &ConfigCommand) -> Result<(), Failure> {
    match command {
        ConfigCommand::Check { saying } => check(file, *saying),
        ConfigCommand::Show { format } => show(file, *format),
        ConfigCommand::Default => print_default(),
        ConfigCommand::Generate { template, output } => generate::run(*template, output.as_deref()),
        ConfigCommand::Convert(arguments) => convert::run(file, arguments),
        ConfigCommand::Doctor { format } => doctor::run(file, *format),
    }
}

/// The same for people and scripts of the first version: one problem a line.
pub(super) fn validate(file: Option<PathBuf>, format: OutputFormat) -> Result<(), Failure> {
    let layers = Layers::of_process(file);
    match (reload::startable(&layers), format) {
        (Ok(_), OutputFormat::Text) => print("✓ Configuration valid\n"),
        (Ok(_), OutputFormat::Json) => print_json(&json!({"valid": true, "problems": []})),
        (Err(unfit), format) => {
            if format == OutputFormat::Json {
                print_json(&json!({"valid": false, "problems": unfit.problems}))?;
            }
            unfit.problems.iter().for_each(|problem| eprintln!("✗ {problem}"));
            Err(Failure::runtime("the configuration is not valid"))
        }
    }
}

/// Everything that can be known to be wrong without opening anything.
fn check(file: Option<PathBuf>, saying: Saying) -> Result<(), Failure> {
    let layers = Layers::of_process(file);
    let settings = startable(&layers)?;
    let notes = settings.aggregated.iter();
    let notes: Vec<&String> = notes.flat_map(|aggregated| &aggregated.notes).collect();
    let warning = control_plane::admin_key_warning(&settings);
    let file = layers.effective_file()?;
    let mut lines: Vec<String> = notes.iter().map(|note| format!("note: {note}")).collect();
    lines.extend(warning.iter().map(|warning| format!("warning: {warning}")));
    lines.push(match &file {
        Some(file) => format!("ok: {}", file.display()),
        None => "ok: no file, defaults and environment".to_owned(),
    });
    let value = json!({"file": file, "notes": notes, "warnings": Vec::from_iter(warning)});
    saying.say(&lines.join("\n"), &value)
}

/// The configuration of a gateway that could be started, as far as that can be known without opening anything; otherwise
/// everything that is wrong with it.
pub(super) fn startable(layers: &Layers) -> Result<Settings, Failure> {
    reload::startable(layers).map_err(|unfit| {
        let problems = unfit.problems.join("; ");
        match unfit.is_configuration {
            true => Failure::configuration(format_args!("configuration: {problems}")),
            false => Failure::runtime(problems),
        }
    })
}

fn show(file: Option<PathBuf>, format: OutputFormat) -> Result<(), Failure> {
    let settings = Settings::load(&Layers::of_process(file))?;
    let shown = settings.to_redacted_toml();
    match format {
        OutputFormat::Text => print(&shown),
        OutputFormat::Json => print_json(&toml::from_str::<Value>(&shown).map_err(Failure::runtime)?),
    }
}

fn print_default() -> Result<(), Failure> {
    print(DEFAULT_TOML)
}

/// A configuration to begin with, where there is none: in the folder for configurations of whoever runs this. Without it the defaults are good enough.
pub(super) fn make_first(layers: &Layers) {
    // Whoever says it in the environment needs no file.
    if layers.environment.keys().any(|name| name.starts_with("APP__")) {
        return;
    }
    let Some(home) = Home::of(&layers.environment) else {
        return;
    };
    let file = home.file();
    let made = generate::text(Template::Solo, Some(&home.data())).and_then(|text| {
        let folder = file.parent().unwrap_or(&file);
        fs::create_dir_all(folder)
            .map_err(|error| Failure::runtime(format_args!("{}: {error}", folder.display())))?;
        create(&file, &text)
    });
    match made {
        Ok(()) => eprintln!(
            "There was no configuration; {} is one to begin with.",
            file.display()
        ),
        Err(failure) => eprintln!("note: no configuration was made: {failure}"),
    }
}

/// Only its owner may read it: it may have secrets.
fn create(path: &Path, text: &str) -> Result<(), Failure> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options
        .open(path)
        .and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|error| {
        let advice = match error.kind() {
            std::io::ErrorKind::AlreadyExists => "; it is left as it is: choose another name",
            _ => "",
        };
        Failure::runtime(format_args!("{}: {error}{advice}", path.display()))
    })
}
