//! `dynmcp secrets`: the secrets of the store, in the configured data source or through a running gateway. Values come from standard input or the
//! keyboard, never from the command line, which other programs can read.

mod ask;

use super::{
    Failure,
    gateway::GatewayArguments,
    near,
    output::{OutputFormat, Saying, print, print_json, table},
    place::{Place, Stored},
    progress::Progress,
    store::Use,
};
use clap::{Args, Subcommand};
use mcp_common::{
    definition::secret::is_secret_name,
    document::Document,
    key::{Key, Kind},
    secret::ExposeSecret,
};
use serde_json::{Value, json};
use std::{collections::BTreeSet, path::PathBuf};

#[derive(Subcommand)]
pub(super) enum SecretsCommand {
    /// List the secrets: what each is for, which definitions may name it, and which key it is encrypted with. Never their values.
    List {
        /// How to print the list.
        #[arg(long, value_enum, default_value_t)]
        format: OutputFormat,
        #[command(flatten)]
        gateway: GatewayArguments,
    },
    /// Store a value under a name. It is read from standard input, without the line break at its end; at a terminal it is asked for.
    ///
    /// What is said of a secret that is there replaces what was said; what is not said stays.
    Put(Box<PutArguments>),
    /// Delete a secret. Definitions that name it are in quarantine from then on.
    Delete {
        /// Its name.
        name: String,
        /// Really.
        #[arg(long)]
        confirm: bool,
        #[command(flatten)]
        saying: Saying,
        #[command(flatten)]
        gateway: GatewayArguments,
    },
    /// Encrypt all values anew, with the first key of the configuration: after it the others can be taken out.
    ///
    /// States of before stay in the history with the key that they have.
    Rotate {
        #[command(flatten)]
        saying: Saying,
        #[command(flatten)]
        gateway: GatewayArguments,
    },
}

/// A secret that is to be stored.
#[derive(Args)]
pub(super) struct PutArguments {
    /// Its name, as in ${secret:NAME}.
    #[arg(value_parser = name)]
    name: String,
    /// A tool that may name it, by its id with `*` for any text. Can be repeated.
    #[arg(long = "tool", value_name = "ID")]
    tools: Vec<String>,
    /// An upstream that may name it, by its id with `*` for any text. Can be repeated.
    #[arg(long = "upstream", value_name = "ID")]
    upstreams: Vec<String>,
    /// Whose definitions may name it: what they say in `managed_by`, with `*` for any text. Can be repeated.
    #[arg(long = "used-by-owner", value_name = "NAME")]
    owners: Vec<String>,
    /// What it is for.
    #[arg(long)]
    description: Option<String>,
    /// Who answers for it.
    #[arg(long)]
    owner: Option<String>,
    /// Leave its value as it is; nothing is read.
    #[arg(long)]
    keep_value: bool,
    #[command(flatten)]
    saying: Saying,
    #[command(flatten)]
    gateway: GatewayArguments,
}

fn name(text: &str) -> Result<String, String> {
    match is_secret_name(text) {
        true => Ok(text.to_owned()),
        false => Err("must have 1 to 64 of A-Z a-z 0-9 . _ -".to_owned()),
    }
}

pub(super) fn run(config: Option<PathBuf>, command: &SecretsCommand) -> Result<(), Failure> {
    super::run(async {
        match command {
            SecretsCommand::List { format, gateway } => {
                let place = Place::open(config, gateway, Use::Read).await?;
                print_list(&place.all(Kind::SECRET).await?, *format)
            }
            SecretsCommand::Put(arguments) => put(config, arguments).await,
            SecretsCommand::Delete {
                name,
                confirm,
                saying,
                gateway,
            } => {
                let place = Place::open(config, gateway, Use::Write).await?;
                let Stored { key, .. } = find(&place, name).await?;
                if !confirm {
                    return Err(Failure::runtime(format_args!(
                        "nothing was deleted: add --confirm to delete `{name}`"
                    )));
                }
                place.delete(&key).await?;
                saying.say(
                    &format!("deleted {name}"),
                    &json!({"id": name, "done": "deleted"}),
                )
            }
            SecretsCommand::Rotate { saying, gateway } => rotate(config, gateway, *saying).await,
        }
    })
}

async fn put(config: Option<PathBuf>, arguments: &PutArguments) -> Result<(), Failure> {
    let value = match arguments.keep_value {
        true => None,
        // What is no value makes no store.
        false => Some(ask::value(&arguments.name)?),
    };
    let place = Place::open(config, &arguments.gateway, Use::Write).await?;
    let stored = place.all(Kind::SECRET).await?;
    let before = stored.iter().find(|stored| *stored.key.id == *arguments.name);
    if before.is_none() && value.is_none() {
        return Err(missing(&arguments.name, &stored));
    }
    let mut document = before.map(said).unwrap_or_default();
    arguments.say(&mut document);
    if let Some(value) = &value {
        document.set("value", &value.expose_secret());
    }
    let key = Key::secret(arguments.name.as_str());
    place
        .write(&key, &document, before.map(|before| before.revision))
        .await?;
    let done = if before.is_some() { "replaced" } else { "created" };
    arguments.saying.say(
        &format!("{done} {}", key.id),
        &json!({"id": key.id, "done": done}),
    )
}

/// Any write encrypts with the first key. One that cannot be written keeps no other from it: what stays as it is is told at the end.
async fn rotate(config: Option<PathBuf>, gateway: &GatewayArguments, saying: Saying) -> Result<(), Failure> {
    let progress = Progress::of("encrypting");
    let place = Place::open(config, gateway, Use::Write).await?;
    let before = place.all(Kind::SECRET).await?;
    let mut left = BTreeSet::new();
    for stored in &before {
        let written = place
            .write(&stored.key, &said(stored), Some(stored.revision))
            .await;
        if let Err(failure) = written {
            eprintln!("{}: {failure}", stored.key.id);
            left.insert(stored.key.id.clone());
        }
    }
    let after = place.all(Kind::SECRET).await?;
    let version = |stored: &Stored| text(&stored.document, "key_version");
    let changed = after.iter().filter(|stored| {
        let known = before.iter().find(|before| before.key == stored.key);
        known.is_some_and(|known| version(known) != version(stored))
    });
    let changed: Vec<&Stored> = changed.collect();
    let versions: BTreeSet<String> = after.iter().map(version).collect();
    // What cannot be opened is written as it is, with the key of before.
    let current = match (changed.first(), versions.len()) {
        (Some(one), _) => Some(version(one)),
        (None, 0 | 1) => versions.first().cloned(),
        (None, _) => None,
    };
    let stays = |stored: &&Stored| current.as_ref() != Some(&version(stored));
    left.extend(after.iter().filter(stays).map(|stored| stored.key.id.clone()));
    let (count, all) = (changed.len(), after.len());
    let done = json!({"secrets": all, "encrypted_anew": count, "key_versions": versions, "left": left});
    let versions = versions.into_iter().collect::<Vec<_>>().join(", ");
    let said = match all {
        0 => "no secrets in the store".to_owned(),
        all => format!("{count} of {all} encrypted anew; key now: {versions}"),
    };
    drop(progress);
    saying.say(&said, &done)?;
    if left.is_empty() {
        return Ok(());
    }
    let names: Vec<&str> = left.iter().map(|name| &**name).collect();
    Err(Failure::runtime(format_args!(
        "{} of {all} secrets stay as they are: {}; keep the keys of before until they are written anew or deleted",
        names.len(),
        names.join(", ")
    )))
}

impl PutArguments {
    fn say(&self, document: &mut Document) {
        let texts = [("description", &self.description), ("owner", &self.owner)];
        for (member, text) in texts {
            if let Some(text) = text {
                document.set(member, text);
            }
        }
        let lists = [
            ("tools", &self.tools),
            ("upstreams", &self.upstreams),
            ("owners", &self.owners),
        ];
        let mut usable: Value = member(document, "usable_by");
        if !usable.is_object() {
            usable = json!({});
        }
        for (member, list) in lists.into_iter().filter(|(_, list)| !list.is_empty()) {
            usable[member] = json!(list);
        }
        document.set("usable_by", &usable);
    }
}

/// What a document says beside its value, which the writer keeps.
fn said(stored: &Stored) -> Document {
    let mut document = stored.key.kind.row().shown(&stored.document);
    document.set_first("id", &stored.key.id);
    document
}

async fn find(place: &Place, name: &str) -> Result<Stored, Failure> {
    let mut all = place.all(Kind::SECRET).await?;
    match all.iter().position(|stored| *stored.key.id == *name) {
        Some(at) => Ok(all.swap_remove(at)),
        None => Err(missing(name, &all)),
    }
}

fn missing(name: &str, all: &[Stored]) -> Failure {
    Failure::runtime(format_args!(
        "there is no secret `{name}`{}",
        near::hint(name, all.iter().map(|stored| &*stored.key.id))
    ))
}

fn member(document: &Document, name: &str) -> Value {
    let raw = document.get(name);
    raw.and_then(|raw| serde_json::from_str(raw.get()).ok())
        .unwrap_or_default()
}

fn text(document: &Document, name: &str) -> String {
    match member(document, name) {
        Value::String(text) => text,
        _ => "-".to_owned(),
    }
}

/// `tools a_*, b; upstreams billing`.
fn usable_by(document: &Document) -> String {
    let Value::Object(lists) = member(document, "usable_by") else {
        return "nobody".to_owned();
    };
    let list = |(name, list): (&String, &Value)| {
        let words = list.as_array()?.iter().filter_map(Value::as_str);
        let words = words.collect::<Vec<_>>().join(", ");
        (!words.is_empty()).then(|| format!("{name} {words}"))
    };
    let lists: Vec<String> = lists.iter().filter_map(list).collect();
    match lists.is_empty() {
        true => "nobody".to_owned(),
        false => lists.join("; "),
    }
}

fn print_list(all: &[Stored], format: OutputFormat) -> Result<(), Failure> {
    let row = |stored: &Stored| {
        vec![
            stored.key.id.to_string(),
            usable_by(&stored.document),
            text(&stored.document, "key_version"),
            text(&stored.document, "value_at"),
            text(&stored.document, "description"),
        ]
    };
    match format {
        OutputFormat::Json => print_json(&all.iter().map(said).collect::<Vec<_>>()),
        OutputFormat::Text if all.is_empty() => print("no secrets in the store\n"),
        OutputFormat::Text => {
            let head = ["NAME", "USABLE BY", "KEY", "WRITTEN", "DESCRIPTION"];
            print(&table(&head, all.iter().map(row)))
        }
    }
}
