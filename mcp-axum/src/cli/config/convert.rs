//! `dynmcp config convert`: a configuration in another format, a file of variables as one, or an aggregator's as one of this gateway.

use crate::{
    cli::{
        Failure,
        config::{create, startable},
        export,
        output::print,
    },
    settings::{Layers, format, own},
};
use clap::{Args, ValueEnum};
use mcp_common::{document::Document, key::Key};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// Below the folder of a configuration.
const FILE: &str = "dynmcp.toml";
const DEFINITIONS: &str = "definitions";

#[derive(Args)]
pub(in crate::cli) struct ConvertArguments {
    /// A file in YAML or TOML, or one of variables (`.env`) [default: that of --config, or config/$RUN_MODE.toml].
    file: Option<PathBuf>,
    /// What it becomes: the same keys in YAML or TOML; or, of a file of the aggregator Only1MCP, a configuration and definitions of
    /// this gateway.
    #[arg(long, value_enum)]
    to: Wanted,
    /// Write it into this file, which must not be there yet [default: standard output]; of `dynmcp` a folder, which must be empty or
    /// not there.
    #[arg(long, short, value_name = "PATH", required_if_eq("to", "dynmcp"))]
    output: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Wanted {
    Toml,
    Yaml,
    Dynmcp,
}

pub(super) fn run(file: Option<PathBuf>, arguments: &ConvertArguments) -> Result<(), Failure> {
    let layers = Layers::of_process(arguments.file.clone().or(file));
    let file = layers.effective_file()?.ok_or_else(|| {
        Failure::configuration(
            "there is no configuration file to convert: name it (dynmcp config convert FILE --to …)",
        )
    })?;
    let text = format::read_text(&file)?;
    if let Some(strangers) = format::strangers(&file, &text)?.filter(|strangers| !strangers.is_empty()) {
        let strangers = strangers.join(", ");
        eprintln!("note: {strangers}: no variables of this gateway, they are left out");
    }
    match (arguments.to, &arguments.output) {
        (Wanted::Dynmcp, Some(folder)) => to_own(&file, &text, &layers, folder),
        (Wanted::Toml | Wanted::Dynmcp, output) => write(&format::to_toml(&file, &text)?, output.as_deref()),
        (Wanted::Yaml, output) => {
            if !format::is_of_aggregator(&file, &text) {
                eprintln!(
                    "note: the gateway reads its own configuration as TOML; YAML is for other programs"
                );
            }
            write(&format::to_yaml(&file, &text)?, output.as_deref())
        }
    }
}

fn write(text: &str, output: Option<&Path>) -> Result<(), Failure> {
    eprintln!("note: comments are not kept");
    let Some(path) = output else {
        return print(text);
    };
    create(path, text)?;
    print(&format!("wrote {}\n", path.display()))
}

/// Everything or nothing, as far as that is in our hands.
fn to_own(file: &Path, text: &str, layers: &Layers, folder: &Path) -> Result<(), Failure> {
    let at = |path: &Path, reason: &dyn std::fmt::Display| {
        Failure::runtime(format_args!("{}: {reason}", path.display()))
    };
    if !format::is_of_aggregator(file, text) {
        let reason =
            "is a configuration of this gateway already; what becomes one is YAML, or TOML with `servers`";
        return Err(Failure::configuration(format_args!(
            "{}: {reason}",
            file.display()
        )));
    }
    let definitions = folder.join(DEFINITIONS);
    // Whoever starts the gateway may be in another folder.
    let lasting = std::path::absolute(&definitions).map_err(|error| at(&definitions, &error))?;
    let own = own(file, text, &layers.environment, &lasting)?;
    if folder.exists() {
        let mut there = fs::read_dir(folder).map_err(|error| at(folder, &error))?;
        if there.next().is_some() {
            return Err(at(
                folder,
                &"is not empty; it is left as it is: choose another folder",
            ));
        }
    }
    let documents: Result<Vec<(Key, Document)>, _> = own
        .definitions
        .iter()
        .map(|(key, document)| Ok((key.clone(), Document::parse(document.to_string().as_bytes())?)))
        .collect();
    let documents = documents.map_err(|problem: mcp_common::problem::Problem| at(file, &problem))?;
    own.notes.iter().for_each(|note| eprintln!("note: {note}"));
    fs::create_dir_all(folder).map_err(|error| at(folder, &error))?;
    export::write(&definitions, &documents)?;
    let file = folder.join(FILE);
    create(&file, &own.configuration)?;
    // What no reader of the file alone can know: whether a gateway starts with it, here.
    startable(&Layers::of_process(Some(file.clone())))?;
    print(&format!(
        "wrote {file} and {count} definitions below {definitions}; start with `dynmcp serve --config {file}`\n",
        file = file.display(),
        count = documents.len(),
        definitions = definitions.display(),
    ))
}
