//! `dynmcp roles`: the roles of the store, in the configured data source or through a running gateway.

use super::{
    Failure,
    gateway::GatewayArguments,
    output::{JsonAlways, OutputFormat, Saying, print, print_json, table},
    place::{Place, Stored},
    store::Use,
};
use clap::Subcommand;
use mcp_common::{
    definition::{RoleDefinition, role::built_in},
    document::Document,
    key::{Key, Kind},
};
use mcp_plugin::datasource::file;
use serde_json::json;
use std::path::{Path, PathBuf};

#[derive(Subcommand)]
pub(super) enum RolesCommand {
    /// List the roles that are stored; admin, editor, viewer and agent are always there.
    List {
        /// How to print the list.
        #[arg(long, value_enum, default_value_t)]
        format: OutputFormat,
        #[command(flatten)]
        gateway: GatewayArguments,
    },
    /// Show a role as it is stored.
    Show {
        /// The role's id.
        role: String,
        #[command(flatten)]
        _format: JsonAlways,
        #[command(flatten)]
        gateway: GatewayArguments,
    },
    /// Store the roles of a file, in the place of those with the same ids.
    Put {
        /// YAML, JSON or TOML: one role, or several under `roles`. A role without an id is called like the file.
        file: PathBuf,
        #[command(flatten)]
        saying: Saying,
        #[command(flatten)]
        gateway: GatewayArguments,
    },
    /// Delete a role. Keys that name it lose what it allows; roles that inherit it open nothing any more.
    Delete {
        /// The role's id.
        role: String,
        /// Really.
        #[arg(long)]
        confirm: bool,
        #[command(flatten)]
        saying: Saying,
        #[command(flatten)]
        gateway: GatewayArguments,
    },
}

pub(super) fn run(config: Option<PathBuf>, command: &RolesCommand) -> Result<(), Failure> {
    super::run(async {
        match command {
            RolesCommand::List { format, gateway } => {
                let place = Place::open(config, gateway, Use::Read).await?;
                print_list(&place.all(Kind::ROLE).await?, *format)
            }
            RolesCommand::Show { role, gateway, .. } => {
                let place = Place::open(config, gateway, Use::Read).await?;
                let Stored {
                    key, mut document, ..
                } = find(&place, role).await?;
                if document.get("id").is_none() {
                    document.set_first("id", &key.id);
                }
                print_json(&document)
            }
            RolesCommand::Put {
                file,
                saying,
                gateway,
            } => {
                // What cannot be read makes no store.
                let roles = read(file)?;
                let place = Place::open(config, gateway, Use::Write).await?;
                let stored = place.all(Kind::ROLE).await?;
                let (mut lines, mut all) = (Vec::new(), Vec::new());
                for (key, document) in &roles {
                    let before = stored.iter().find(|stored| stored.key == *key);
                    let before = before.map(|stored| stored.revision);
                    place.write(key, document, before).await?;
                    let done = if before.is_some() { "replaced" } else { "created" };
                    lines.push(format!("{done} {}", key.id));
                    all.push(json!({"id": key.id, "done": done}));
                }
                saying.say(&lines.join("\n"), &all.into())
            }
            RolesCommand::Delete {
                role,
                confirm,
                saying,
                gateway,
            } => {
                let place = Place::open(config, gateway, Use::Write).await?;
                let Stored { key, .. } = find(&place, role).await?;
                if !confirm {
                    return Err(Failure::runtime(format_args!(
                        "nothing was deleted: add --confirm to delete `{role}`"
                    )));
                }
                place.delete(&key).await?;
                saying.say(
                    &format!("deleted {role}"),
                    &json!({"id": role, "done": "deleted"}),
                )
            }
        }
    })
}

async fn find(place: &Place, role: &str) -> Result<Stored, Failure> {
    let mut all = place.all(Kind::ROLE).await?.into_iter();
    all.find(|stored| *stored.key.id == *role).ok_or_else(|| {
        let reason = match built_in(role) {
            Some(_) => format!("the role `{role}` is always there, and in no store"),
            None => format!("there is no role `{role}`; `dynmcp roles list` lists all"),
        };
        Failure::runtime(reason)
    })
}

fn read(path: &Path) -> Result<Vec<(Key, Document)>, Failure> {
    let wrong = |reason: String| Failure::configuration(format_args!("{}: {reason}", path.display()));
    let content = std::fs::read(path).map_err(|error| wrong(error.to_string()))?;
    let definitions = file::read_text(path, &content).map_err(wrong)?;
    if definitions.is_empty() {
        return Err(wrong("has no role in it".to_owned()));
    }
    let role = |(key, body): (Key, _)| {
        if key.kind != Kind::ROLE {
            return Err(wrong(format!(
                "{key} is no role; `dynmcp apply` writes definitions of all kinds"
            )));
        }
        let document = Document::take(body).map_err(|problem| wrong(problem.to_string()))?;
        RoleDefinition::read(&key.id, &document).map_err(|problems| wrong(problems.to_string()))?;
        Ok((key, document))
    };
    definitions.into_iter().map(role).collect()
}

fn print_list(all: &[Stored], format: OutputFormat) -> Result<(), Failure> {
    let row = |stored: &Stored| {
        let id = stored.key.id.to_string();
        let Ok(read) = RoleDefinition::read(&id, &stored.document) else {
            return vec![
                id,
                "unreadable".to_owned(),
                "-".to_owned(),
                "-".to_owned(),
                "-".to_owned(),
            ];
        };
        let role = read.definition;
        let inherits = match role.inherits.is_empty() {
            true => "-".to_owned(),
            false => role.inherits.join(","),
        };
        let description = role.description.unwrap_or_else(|| "-".to_owned());
        vec![
            id,
            inherits,
            role.allow.len().to_string(),
            role.deny.len().to_string(),
            description,
        ]
    };
    match format {
        OutputFormat::Json => print_json(&all.iter().map(|stored| &stored.document).collect::<Vec<_>>()),
        OutputFormat::Text if all.is_empty() => {
            print("no roles in the store; admin, editor, viewer and agent are always there\n")
        }
        OutputFormat::Text => {
            let head = ["ID", "INHERITS", "ALLOW", "DENY", "DESCRIPTION"];
            print(&table(&head, all.iter().map(row)))
        }
    }
}
