//! `dynmcp list`, `get`, `delete`, `history`, `diff`, `rollback`: definitions of every kind, one at a time.

mod past;

use super::{
    Failure,
    gateway::GatewayArguments,
    near,
    output::{JsonAlways, OutputFormat, Saying, print, print_json, table},
    place::{Place, Stored},
    store::Use,
};
use clap::Args;
use mcp_common::{document::Document, key::Kind};
pub(super) use past::{DiffArguments, HistoryArguments, RollbackArguments, diff, history, rollback};
use serde_json::{Value, json};
use std::path::PathBuf;

/// A definition.
#[derive(Args)]
pub(super) struct OneArguments {
    /// Its kind: tools, instances, upstreams, roles, keys or secrets.
    #[arg(value_parser = kind)]
    kind: Kind,
    /// Its id.
    id: String,
}

#[derive(Args)]
pub(super) struct ListArguments {
    /// The kind: tools, instances, upstreams, roles, keys or secrets.
    #[arg(value_parser = kind)]
    kind: Kind,
    /// Only those with this text in id, name or description.
    #[arg(long, value_name = "TEXT")]
    q: Option<String>,
    /// Only those with this tag.
    #[arg(long)]
    tag: Option<String>,
    /// How to print the list; json is the documents as they are stored.
    #[arg(long, value_enum, default_value_t)]
    format: OutputFormat,
    #[command(flatten)]
    gateway: GatewayArguments,
}

#[derive(Args)]
pub(super) struct GetArguments {
    #[command(flatten)]
    one: OneArguments,
    #[command(flatten)]
    _format: JsonAlways,
    #[command(flatten)]
    gateway: GatewayArguments,
}

#[derive(Args)]
pub(super) struct DeleteArguments {
    #[command(flatten)]
    one: OneArguments,
    /// Really. Its history stays: `rollback` brings it back.
    #[arg(long)]
    confirm: bool,
    #[command(flatten)]
    saying: Saying,
    #[command(flatten)]
    gateway: GatewayArguments,
}

/// The words for a kind: that of paths, and those that people use.
pub(super) fn kind(text: &str) -> Result<Kind, String> {
    let word = match text {
        "tool" | "tools" => "tds",
        "instance" | "instances" => "ids",
        "upstream" | "upstreams" => "uds",
        "role" => "roles",
        "key" => "keys",
        "secret" => "secrets",
        other => other,
    };
    let known = Kind::all().into_iter().find(|kind| kind.path_segment() == word);
    known.ok_or_else(|| "must be tools, instances, upstreams, roles, keys or secrets".to_owned())
}

pub(super) fn list(config: Option<PathBuf>, arguments: &ListArguments) -> Result<(), Failure> {
    super::run(async {
        let place = Place::open(config, &arguments.gateway, Use::Read).await?;
        let mut all = place.all(arguments.kind).await?;
        all.retain(|stored| arguments.wants(stored));
        all.sort_by(|a, b| a.key.id.cmp(&b.key.id));
        match arguments.format {
            OutputFormat::Json => print_json(&all.iter().map(with_id).collect::<Vec<_>>()),
            OutputFormat::Text if all.is_empty() => print("none\n"),
            OutputFormat::Text => {
                let rows = all.iter().map(|stored| {
                    vec![
                        stored.key.id.to_string(),
                        text(stored, "name"),
                        stored.revision.to_string(),
                        first_line(&text(stored, "description")),
                    ]
                });
                print(&table(&["ID", "NAME", "REVISION", "DESCRIPTION"], rows))
            }
        }
    })
}

pub(super) fn get(config: Option<PathBuf>, arguments: &GetArguments) -> Result<(), Failure> {
    super::run(async {
        let place = Place::open(config, &arguments.gateway, Use::Read).await?;
        print_json(&with_id(&find(&place, &arguments.one).await?))
    })
}

pub(super) fn delete(config: Option<PathBuf>, arguments: &DeleteArguments) -> Result<(), Failure> {
    super::run(async {
        let place = Place::open(config, &arguments.gateway, Use::Write).await?;
        let Stored { key, .. } = find(&place, &arguments.one).await?;
        if !arguments.confirm {
            return Err(Failure::runtime(format_args!(
                "nothing was deleted: add --confirm to delete {key}"
            )));
        }
        place.delete(&key).await?;
        let done = json!({"kind": key.kind.path_segment(), "id": key.id, "done": "deleted"});
        arguments.saying.say(&format!("deleted {key}"), &done)
    })
}

async fn find(place: &Place, one: &OneArguments) -> Result<Stored, Failure> {
    let mut all = place.all(one.kind).await?;
    match all.iter().position(|stored| *stored.key.id == *one.id) {
        Some(at) => Ok(all.swap_remove(at)),
        None => Err(Failure::runtime(format_args!(
            "there is no {} `{}`{}",
            one.kind,
            one.id,
            near::hint(&one.id, all.iter().map(|stored| &*stored.key.id))
        ))),
    }
}

impl ListArguments {
    fn wants(&self, stored: &Stored) -> bool {
        let is_named = self.q.as_ref().is_none_or(|wanted| {
            let wanted = wanted.to_lowercase();
            let texts = [
                stored.key.id.to_string(),
                text(stored, "name"),
                text(stored, "description"),
            ];
            texts.iter().any(|text| text.to_lowercase().contains(&wanted))
        });
        let is_tagged = self.tag.as_ref().is_none_or(|wanted| {
            let tags = member(&stored.document, "tags");
            tags.as_array()
                .is_some_and(|tags| tags.iter().any(|tag| tag == wanted))
        });
        is_named && is_tagged
    }
}

/// The document, which may not have its id in it.
fn with_id(stored: &Stored) -> Document {
    let mut document = stored.key.kind.row().shown(&stored.document);
    if document.get("id").is_none() {
        document.set_first("id", &stored.key.id);
    }
    document
}

fn member(document: &Document, name: &str) -> Value {
    let raw = document.get(name);
    raw.and_then(|raw| serde_json::from_str(raw.get()).ok())
        .unwrap_or_default()
}

fn text(stored: &Stored, name: &str) -> String {
    match member(&stored.document, name) {
        Value::String(text) => text,
        _ => "-".to_owned(),
    }
}

fn first_line(text: &str) -> String {
    const MOST: usize = 60;
    let line = text.lines().next().unwrap_or_default();
    match line.char_indices().nth(MOST) {
        None => line.to_owned(),
        Some((end, _)) => format!("{}…", &line[..end]),
    }
}
