//! `dynmcp export`: what is stored, as files in one spelling.

use super::{
    Failure, foreign,
    gateway::GatewayArguments,
    output::{OutputFormat, print, print_json},
    progress::Progress,
    store,
};
use crate::settings::{Layers, Settings};
use clap::Args;
use indexmap::IndexMap;
use mcp_common::{
    document::Document,
    key::{Key, Kind},
};
use mcp_core::authoring::{
    change_plan::{Skipped, Stored},
    export::{Exported, FileNames, Wanted, bundle, canonical, export},
};
use mcp_plugin::datasource::file;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

#[derive(Args)]
pub(super) struct ExportArguments {
    /// The folder to write to, one file for each definition (DIR/tds/ID.json, DIR/ids/ID.json); `-` writes all as one
    /// document to standard output.
    #[arg(default_value = "-", value_name = "DIR|-")]
    to: String,
    /// Only this instance, with the tools that it names or includes.
    #[arg(long, value_name = "ID")]
    instance: Option<String>,
    /// Only what this owner maintains, without the member `managed_by`: the folder that `plan --owner NAME` reads.
    #[arg(long, value_name = "NAME")]
    owner: Option<String>,
    /// How to say what was written; the document on standard output is JSON anyway.
    #[arg(long, value_enum, default_value_t)]
    format: OutputFormat,
    #[command(flatten)]
    gateway: GatewayArguments,
}

pub(super) fn run(config: Option<PathBuf>, arguments: &ExportArguments) -> Result<(), Failure> {
    let exported = {
        let _progress = Progress::of("exporting");
        super::run(exported(config, arguments))?
    };
    match arguments.to.as_str() {
        "-" => print(&bundle(&exported.definitions))?,
        folder => {
            let folder = Path::new(folder);
            let written = write(folder, &exported.definitions)?;
            match arguments.format {
                OutputFormat::Text => print(&written.said(folder))?,
                OutputFormat::Json => print_json(&written)?,
            }
        }
    }
    let secrets = exported
        .definitions
        .iter()
        .filter(|(key, _)| key.kind == Kind::SECRET);
    match secrets.count() {
        0 => {}
        count => eprintln!(
            "note: the values of {count} secrets are not exported: applying the files keeps those that are stored, and where there are \
             none they have to be written (`dynmcp secrets put`)"
        ),
    }
    for Skipped { operation, reason } in &exported.skipped {
        eprintln!(
            "dynmcp: left out: {}",
            foreign::line(&format!("{operation}: {reason}"))
        );
    }
    match exported.skipped.len() {
        0 => Ok(()),
        count => Err(Failure::runtime(format_args!(
            "{count} definitions were left out"
        ))),
    }
}

async fn exported(config: Option<PathBuf>, arguments: &ExportArguments) -> Result<Exported, Failure> {
    let wanted = Wanted {
        instance: arguments.instance.as_deref(),
        owner: arguments.owner.as_deref(),
    };
    if let Some(gateway) = arguments.gateway.gateway()? {
        let queries = [("instance", wanted.instance), ("owner", wanted.owner)];
        let said = queries
            .into_iter()
            .filter_map(|(name, value)| Some((name, value?)));
        let said: Vec<String> = said
            .map(|(name, value)| format!("{name}={}", utf8_percent_encode(value, NON_ALPHANUMERIC)))
            .collect();
        let path = format!("/admin/export?{}", said.join("&"));
        let answer = gateway.get(&path).await?;
        return gateway.data::<Bundle>(&answer)?.exported();
    }
    let load = store::look(&Settings::load(&Layers::of_process(config))?).await?;
    export(&Stored::from(load), wanted).map_err(Failure::runtime)
}

/// What a gateway answers: lists by kind, and `skipped`.
#[derive(Deserialize)]
struct Bundle(IndexMap<String, Box<RawValue>>);

impl Bundle {
    fn exported(self) -> Result<Exported, Failure> {
        let mut exported = Exported::default();
        for (name, list) in self.0 {
            if name == "skipped" {
                exported.skipped = serde_json::from_str(list.get()).map_err(Failure::runtime)?;
                continue;
            }
            // A gateway of another build may have kinds that are unknown here.
            let kind = Kind::of_segment(&name)
                .ok_or_else(|| Failure::runtime(format_args!("the gateway has definitions of the kind `{name}`, which this program does not know; use the same version")))?;
            let documents: Vec<Box<RawValue>> = serde_json::from_str(list.get()).map_err(Failure::runtime)?;
            for text in documents {
                let document = Document::parse(text.get().as_bytes()).map_err(Failure::runtime)?;
                let id = document.get("id").map(RawValue::get).unwrap_or_default();
                let id: String = serde_json::from_str(id).map_err(Failure::runtime)?;
                exported.definitions.push((Key { kind, id: id.into() }, document));
            }
        }
        Ok(exported)
    }
}

/// Touches nobody else's file: a definition that stands in another one already would stand in two.
pub(super) fn write(folder: &Path, definitions: &[(Key, Document)]) -> Result<Written, Failure> {
    let at = |path: &Path, error: &dyn std::fmt::Display| {
        Failure::runtime(format_args!("{}: {error}", path.display()))
    };
    let mut names = FileNames::default();
    let files: Vec<(&Key, PathBuf, String)> = definitions
        .iter()
        .map(|(key, document)| (key, folder.join(names.name(key)), canonical(key, document)))
        .collect();
    let there = match folder.exists() {
        true => file::read(folder).map_err(|error| at(folder, &error))?,
        false => file::Contents::default(),
    };
    let own: BTreeMap<&Key, &Path> = files.iter().map(|(key, path, _)| (*key, &**path)).collect();
    let stands_in = |place: &str| PathBuf::from(place.rsplit_once(':').map_or(place, |(file, _)| file));
    for definition in &there.definitions {
        let file = stands_in(&definition.place);
        if own.get(&definition.key).is_some_and(|own| *own != file) {
            let reason = format!(
                "{} stands here already; delete it here, or export to another folder (nothing was written)",
                definition.key
            );
            return Err(Failure::runtime(format_args!("{}: {reason}", definition.place)));
        }
    }
    let mut written = Written::default();
    for (_, path, text) in &files {
        if fs::read(path).is_ok_and(|now| now == text.as_bytes()) {
            written.unchanged += 1;
            continue;
        }
        file::write(path, text).map_err(|error| at(path, &error))?;
        written.written += 1;
    }
    let others = there
        .definitions
        .iter()
        .filter(|definition| !own.contains_key(&definition.key));
    written.not_exported = others
        .map(|definition| format!("{} ({})", definition.key, definition.place))
        .collect();
    Ok(written)
}

/// What became of the files of a folder.
#[derive(Default, Serialize)]
pub(super) struct Written {
    written: usize,
    unchanged: usize,
    /// Definitions that stand there and are not stored, and where.
    not_exported: Vec<String>,
}

impl Written {
    fn said(&self, folder: &Path) -> String {
        let Self {
            written,
            unchanged,
            not_exported,
        } = self;
        let mut said = format!(
            "{}: {written} files written, {unchanged} unchanged\n",
            folder.display()
        );
        for definition in not_exported {
            said.push_str(&format!("  not exported: {definition}\n"));
        }
        said
    }
}
