//! `dynmcp add`, and what `dynmcp import mcp` shares with it: upstreams are stored, and an instance shows them.

use super::{
    Failure, foreign,
    gateway::GatewayArguments,
    output::{OutputFormat, print, print_json},
    plan::Target,
    store::Use,
};
use crate::{
    client::Gateway,
    settings::{Layers, Settings},
};
use clap::Args;
use http::StatusCode;
use mcp_common::{definition::UpstreamDefinition, document::Document, key::Key};
use mcp_core::authoring::change_plan::{DesiredDefinition, PlanOptions, PlanReport};
use serde_json::{Map, Value, json};
use std::path::{Path, PathBuf};

#[derive(Args)]
pub(super) struct AddArguments {
    /// The id of the upstream: 1 to 32 of a-z 0-9 -.
    name: String,
    /// The URL of its MCP endpoint.
    #[arg(required_unless_present = "command", conflicts_with = "command")]
    url: Option<String>,
    /// The program that is the server, and its arguments, after `--`.
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<String>,
    /// An environment variable of the program; "${env:NAME}" and "${file:/path}" refer to secrets. Can be repeated.
    #[arg(long, value_name = "NAME=VALUE", requires = "command")]
    env: Vec<String>,
    /// A header of every request to the URL; may refer to secrets too. Can be repeated.
    #[arg(long, value_name = "NAME=VALUE", conflicts_with = "command")]
    header: Vec<String>,
    /// The token that the server is shown: "${env:NAME}" or "${file:/path}".
    #[arg(long, value_name = "REFERENCE", conflicts_with = "command")]
    bearer: Option<String>,
    #[command(flatten)]
    storing: StoringArguments,
}

/// Where upstreams are stored.
#[derive(Args)]
pub(super) struct StoringArguments {
    /// The instance that shows their tools; made if it is not there.
    #[arg(long, value_name = "ID")]
    instance: Option<String>,
    #[command(flatten)]
    gateway: GatewayArguments,
    /// Say what would be written, write nothing.
    #[arg(long)]
    dry_run: bool,
    /// How to print what is written.
    #[arg(long, value_enum, default_value_t)]
    format: OutputFormat,
}

impl StoringArguments {
    fn print(&self, report: &PlanReport) -> Result<(), Failure> {
        match self.format {
            OutputFormat::Text => print(&report.to_string()),
            OutputFormat::Json => print_json(report),
        }
    }

    /// What is no part of the report.
    fn note(&self, text: &str) -> Result<(), Failure> {
        match self.format {
            OutputFormat::Text => print(&format!("{text}\n")),
            OutputFormat::Json => {
                eprintln!("{}", foreign::text(text));
                Ok(())
            }
        }
    }
}

pub(super) fn run(config: Option<PathBuf>, arguments: &AddArguments) -> Result<(), Failure> {
    let mut document = json!({"id": arguments.name});
    match (&arguments.url, arguments.command.split_first()) {
        (Some(url), _) => document["url"] = url.clone().into(),
        (None, Some((command, rest))) => {
            document["command"] = command.clone().into();
            if !rest.is_empty() {
                document["args"] = rest.into();
            }
        }
        (None, None) => return Err(Failure::configuration("give a URL, or a command after `--`")),
    }
    for (member, pairs) in [("env", &arguments.env), ("headers", &arguments.header)] {
        if !pairs.is_empty() {
            document[member] = Value::Object(read_pairs(pairs)?);
        }
    }
    if let Some(reference) = &arguments.bearer {
        document["auth"] = json!({"type": "bearer", "credential": reference});
    }
    let document = Document::parse(document.to_string().as_bytes()).map_err(Failure::runtime)?;
    let read = UpstreamDefinition::read(&arguments.name, &document);
    let definition = read.map_err(Failure::configuration)?.definition;
    let key = Key::upstream(definition.id.clone());
    store(config, &arguments.storing, vec![(key, document)], &[])?;
    if let Some(command) = definition
        .command
        .as_deref()
        .filter(|_| !arguments.storing.dry_run)
    {
        arguments.storing.note(&format!(
            "the gateway starts `{command}` only if `stdio.allow` of its configuration names it: stdio.allow = [{}]",
            json!(command)
        ))?;
    }
    Ok(())
}

fn read_pairs(pairs: &[String]) -> Result<Map<String, Value>, Failure> {
    let read = |pair: &String| {
        let (name, value) = pair.split_once('=')?;
        Some((name.to_owned(), Value::from(value)))
    };
    let pairs = pairs.iter().map(|pair| {
        read(pair).ok_or_else(|| Failure::configuration(format_args!("`{pair}`: must be NAME=VALUE")))
    });
    pairs.collect()
}

/// Writes them, and the instance that shows them; prints what was done, and the notes.
pub(super) fn store(
    config: Option<PathBuf>,
    storing: &StoringArguments,
    upstreams: Vec<(Key, Document)>,
    notes: &[String],
) -> Result<(), Failure> {
    super::run(async {
        let ids: Vec<String> = upstreams.iter().map(|(key, _)| key.id.to_string()).collect();
        let mut wanted: Vec<DesiredDefinition> = upstreams
            .iter()
            .map(|(key, document)| DesiredDefinition::new(key, None, document))
            .collect();
        if let Some(instance) = &storing.instance {
            let key = Key::instance(instance.as_str());
            let before = stored_instance(config.as_deref(), storing.gateway.gateway()?, &key).await?;
            let document = showing(instance, before, &ids)?;
            wanted.push(DesiredDefinition::new(&key, None, &document));
        }
        let gateway = storing.gateway.gateway()?;
        let target = Target::open(
            config,
            gateway,
            wanted,
            PlanOptions::default(),
            Use::of(storing.dry_run),
        )
        .await?;
        let mut report = target.plan().await?;
        if storing.dry_run {
            storing.note("dry run: nothing was written")?;
        }
        let is_text = storing.format == OutputFormat::Text;
        if is_text || storing.dry_run || !report.problems.is_empty() {
            storing.print(&report)?;
        }
        for note in notes {
            storing.note(note)?;
        }
        if !report.problems.is_empty() {
            return Err(Failure::runtime("nothing can be written, see above"));
        }
        if storing.dry_run {
            return Ok(());
        }
        if !report.is_empty() {
            target.apply(&mut report).await?;
        }
        match storing.format {
            OutputFormat::Text => Ok(()),
            OutputFormat::Json => storing.print(&report),
        }
    })
}

async fn stored_instance(
    config: Option<&Path>,
    gateway: Option<Gateway>,
    key: &Key,
) -> Result<Option<Document>, Failure> {
    let Some(gateway) = gateway else {
        let settings = Settings::load(&Layers::of_process(config.map(Path::to_owned)))?;
        let load = super::store::load(&settings).await?;
        let record = load.records.into_iter().find(|record| record.key == *key);
        return record
            .map(|record| Document::parse(&record.body).map_err(Failure::runtime))
            .transpose();
    };
    let id = percent_encoding::utf8_percent_encode(&key.id, percent_encoding::NON_ALPHANUMERIC);
    let answer = gateway.get(&format!("/admin/ids/{id}")).await?;
    if answer.status == StatusCode::NOT_FOUND {
        return Ok(None);
    }
    let data: Box<serde_json::value::RawValue> = gateway.data(&answer)?;
    Document::parse(data.get().as_bytes())
        .map(Some)
        .map_err(Failure::runtime)
}

/// The instance with these upstreams in `include.upstreams`; everything else stays.
fn showing(id: &str, before: Option<Document>, upstreams: &[String]) -> Result<Document, Failure> {
    let mut document = match before {
        Some(document) => document,
        None => {
            Document::parse(json!({"id": id, "name": id}).to_string().as_bytes()).map_err(Failure::runtime)?
        }
    };
    let include = document
        .get("include")
        .map(|include| serde_json::from_str::<Map<String, Value>>(include.get()));
    let mut include = include.transpose().map_err(Failure::runtime)?.unwrap_or_default();
    let list = include.entry("upstreams").or_insert_with(|| json!([]));
    let Value::Array(list) = list else {
        return Err(Failure::runtime(format_args!(
            "IDS `{id}`: include.upstreams is no list"
        )));
    };
    for upstream in upstreams {
        if !list.iter().any(|known| known == upstream) {
            list.push(upstream.clone().into());
        }
    }
    document.set("include", &include);
    Ok(document)
}
