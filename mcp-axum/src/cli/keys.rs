//! `dynmcp keys`: the keys of the store, in the configured data source or through a running gateway.

mod list;

use super::{
    Failure,
    gateway::GatewayArguments,
    output::{JsonAlways, OutputFormat, Saying, print, print_json},
    place::{Place, Stored},
    store::Use,
};
use clap::{Args, Subcommand};
use mcp_common::{
    definition::api_key::{ApiKeyStatus, Timestamp},
    key::Kind,
};
use mcp_core::authoring::keys::{self, Issued, KeyError, NewKey};
use serde_json::{Map, Value, json};
use std::{
    path::PathBuf,
    time::{Duration, SystemTime},
};

#[derive(Subcommand)]
pub(super) enum KeysCommand {
    /// Make a key and print it, once: only its hash is stored.
    Create {
        #[command(flatten)]
        wanted: CreateArguments,
        /// How to print it.
        #[arg(long, value_enum, default_value_t)]
        format: OutputFormat,
        #[command(flatten)]
        gateway: GatewayArguments,
    },
    /// List the keys that let somebody in, and those that cannot be read as they are stored: a gateway goes by what they were.
    List {
        /// Also those that are switched off or have ended.
        #[arg(long)]
        include_inactive: bool,
        /// How to print the list.
        #[arg(long, value_enum, default_value_t)]
        format: OutputFormat,
        #[command(flatten)]
        gateway: GatewayArguments,
    },
    /// Show what is stored of a key; with --server also when it was used.
    Show {
        #[command(flatten)]
        one: OneKey,
        #[command(flatten)]
        _format: JsonAlways,
    },
    /// Let the holder of a key in again.
    Activate {
        #[command(flatten)]
        one: OneKey,
        #[command(flatten)]
        saying: Saying,
    },
    /// Let nobody in with a key any more; it is kept.
    Inactivate {
        #[command(flatten)]
        one: OneKey,
        /// Also the last key that may write keys, where no key of the configuration opens /admin.
        #[arg(long)]
        force: bool,
        #[command(flatten)]
        saying: Saying,
    },
    /// Give a key another secret and print the new key, once.
    Rotate {
        #[command(flatten)]
        one: OneKey,
        /// How long the key before stays valid: 24h, 90m, 7d. Without it, it ends at once.
        #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
        grace: Option<Duration>,
        /// How to print it.
        #[arg(long, value_enum, default_value_t)]
        format: OutputFormat,
    },
    /// Delete a key.
    Delete {
        #[command(flatten)]
        one: OneKey,
        /// Really: a key that is switched off can be activated again, one that is deleted cannot.
        #[arg(long)]
        confirm: bool,
        /// Also the last key that may write keys, where no key of the configuration opens /admin.
        #[arg(long)]
        force: bool,
        #[command(flatten)]
        saying: Saying,
    },
}

/// One of the keys.
#[derive(Args)]
pub(super) struct OneKey {
    /// The key's id, or its name where no other key has it.
    #[arg(value_name = "KEY")]
    wanted: String,
    #[command(flatten)]
    gateway: GatewayArguments,
}

/// What a new key is to be.
#[derive(Args)]
pub(super) struct CreateArguments {
    /// Who it is, in logs and in history.
    #[arg(long)]
    name: String,
    /// An instance that it opens, with `*` for any text. Can be repeated; roles may open others.
    #[arg(long = "instance", value_name = "ID")]
    instances: Vec<String>,
    /// A tool that it shows at the most, by its name with `*` for any text, or by tag (tag:read-only). Can be repeated; without any it
    /// shows all.
    #[arg(long = "tool", value_name = "NAME")]
    tools: Vec<String>,
    /// A role of it: one of the store, or admin, editor, viewer, agent. Can be repeated.
    #[arg(long = "role", value_name = "ROLE")]
    roles: Vec<String>,
    /// Until when it is valid: a time as RFC 3339 writes it, or how long from now (90d).
    #[arg(long, value_name = "TIME")]
    expires: Option<String>,
    /// How many calls it may make in a time: 20/s, 5/min, 100/h, 1000/d.
    #[arg(long, value_name = "RATE")]
    rate: Option<String>,
    /// How many of its calls may be under way at once.
    #[arg(long, value_name = "N")]
    concurrent: Option<u32>,
    /// How many calls it may make from midnight to midnight, UTC.
    #[arg(long, value_name = "N")]
    per_day: Option<u32>,
    /// What it is for.
    #[arg(long)]
    description: Option<String>,
    /// Who answers for it.
    #[arg(long)]
    owner: Option<String>,
}

pub(super) fn run(config: Option<PathBuf>, command: &KeysCommand) -> Result<(), Failure> {
    super::run(async {
        match command {
            KeysCommand::Create {
                wanted,
                format,
                gateway,
            } => {
                // A wrong wish makes no store.
                let issued = keys::create(&wanted.wish()?, SystemTime::now()).map_err(failed)?;
                let place = Place::open(config, gateway, Use::Write).await?;
                place.write(&issued.key, &issued.document, None).await?;
                show(&issued, *format)
            }
            KeysCommand::List {
                include_inactive,
                format,
                gateway,
            } => {
                let place = Place::open(config, gateway, Use::Read).await?;
                let all = place.all(Kind::API_KEY).await?;
                list::print_list(&all, *include_inactive, *format)
            }
            KeysCommand::Show { one, .. } => {
                let place = Place::open(config, &one.gateway, Use::Read).await?;
                let Stored { key, document, .. } = find(&place, &one.wanted).await?;
                let mut shown: Value = serde_json::from_str(document.as_json()).map_err(Failure::runtime)?;
                shown["id"] = json!(key.id);
                if let Some(usage) = place.usage(&key).await? {
                    shown["usage"] = usage;
                }
                print_json(&shown)
            }
            KeysCommand::Activate { one, saying } => {
                let key = switch(config, one, ApiKeyStatus::Active, false).await?;
                saying.say(
                    &format!("{key} is active"),
                    &json!({"id": key, "done": "activated"}),
                )
            }
            KeysCommand::Inactivate { one, force, saying } => {
                let key = switch(config, one, ApiKeyStatus::Inactive, *force).await?;
                saying.say(
                    &format!("{key} is inactive"),
                    &json!({"id": key, "done": "inactivated"}),
                )
            }
            KeysCommand::Rotate { one, grace, format } => {
                let place = Place::open(config, &one.gateway, Use::Write).await?;
                let before = find(&place, &one.wanted).await?;
                let grace = grace.unwrap_or_default();
                let issued = keys::rotate(&before.key.id, &before.document, grace, SystemTime::now());
                let issued = issued.map_err(failed)?;
                place
                    .write(&issued.key, &issued.document, Some(before.revision))
                    .await?;
                show(&issued, *format)
            }
            KeysCommand::Delete {
                one,
                confirm,
                force,
                saying,
            } => {
                let place = Place::open(config, &one.gateway, Use::Write).await?;
                let Stored { key, .. } = find(&place, &one.wanted).await?;
                if !confirm {
                    return Err(Failure::runtime(format_args!(
                        "nothing was deleted: add --confirm to delete `{}`, or switch it off with `inactivate`",
                        key.id
                    )));
                }
                place.delete_and(&key, *force).await?;
                saying.say(
                    &format!("deleted {}", key.id),
                    &json!({"id": key.id, "done": "deleted"}),
                )
            }
        }
    })
}

/// The key of this id, or the only one of this name.
async fn find(place: &Place, wanted: &str) -> Result<Stored, Failure> {
    let all = place.all(Kind::API_KEY).await?;
    if let Some(found) = all.iter().find(|stored| *stored.key.id == *wanted) {
        return Ok(found.clone());
    }
    let has_name = |stored: &Stored| {
        let name = stored.document.get("name");
        name.is_some_and(|name| serde_json::from_str::<String>(name.get()).is_ok_and(|name| name == wanted))
    };
    let named: Vec<_> = all.into_iter().filter(has_name).collect();
    match <[_; 1]>::try_from(named) {
        Ok([only]) => Ok(only),
        Err(none) if none.is_empty() => Err(Failure::runtime(format_args!(
            "no key has the id or the name `{wanted}`; `dynmcp keys list --include-inactive` lists all"
        ))),
        Err(several) => {
            let ids: Vec<&str> = several.iter().map(|stored| &*stored.key.id).collect();
            Err(Failure::runtime(format_args!(
                "several keys are called `{wanted}`; take the id: {}",
                ids.join(", ")
            )))
        }
    }
}

/// Its id.
async fn switch(
    config: Option<PathBuf>,
    one: &OneKey,
    status: ApiKeyStatus,
    force: bool,
) -> Result<String, Failure> {
    let place = Place::open(config, &one.gateway, Use::Write).await?;
    let Stored {
        key,
        document,
        revision,
    } = find(&place, &one.wanted).await?;
    place
        .write_and(&key, &keys::with_status(&document, status), Some(revision), force)
        .await?;
    Ok(key.id.to_string())
}

impl CreateArguments {
    fn wish(&self) -> Result<NewKey, Failure> {
        Ok(NewKey {
            name: Some(self.name.clone()),
            description: self.description.clone(),
            owner: self.owner.clone(),
            instances: self.instances.clone(),
            tools: (!self.tools.is_empty()).then(|| self.tools.clone()),
            roles: self.roles.clone(),
            limits: self.limits(),
            expires_at: self.expires.as_deref().map(end).transpose()?,
            ..NewKey::default()
        })
    }
}

impl CreateArguments {
    /// As a document says it; it is checked there.
    fn limits(&self) -> Map<String, Value> {
        let limits = [
            ("rate", self.rate.clone().map(Value::from)),
            ("concurrent", self.concurrent.map(Value::from)),
            ("per_day", self.per_day.map(Value::from)),
        ];
        let given = limits.into_iter();
        given
            .filter_map(|(name, limit)| Some((name.to_owned(), limit?)))
            .collect()
    }
}

/// A moment, or how long from now.
fn end(text: &str) -> Result<String, Failure> {
    if text.parse::<Timestamp>().is_ok() {
        return Ok(text.to_owned());
    }
    let from_now = humantime::parse_duration(text).ok();
    let end = from_now.and_then(|from_now| Timestamp::after(SystemTime::now(), from_now));
    let end = end.ok_or_else(|| {
        Failure::configuration(format_args!(
            "--expires {text}: must be a time as RFC 3339 writes it (2027-01-31T12:00:00Z), or how long from now (90d)"
        ))
    })?;
    Ok(end.to_string())
}

/// The key alone on standard output, so that a script can take it.
fn show(issued: &Issued, format: OutputFormat) -> Result<(), Failure> {
    match format {
        OutputFormat::Json => {
            print_json(&json!({"id": issued.key.id, "key": issued.shown, "document": issued.document}))
        }
        OutputFormat::Text => {
            print(&format!("{}\n", issued.shown))?;
            eprintln!(
                "This is the key `{}`. It is shown now and never again: only its hash is stored.",
                issued.key.id
            );
            Ok(())
        }
    }
}

fn failed(error: KeyError) -> Failure {
    match error {
        KeyError::Document(problems) => Failure::configuration(problems),
        KeyError::NoRandomness(_) => Failure::runtime(error),
    }
}
