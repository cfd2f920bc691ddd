//! `dynmcp connect`: what one MCP client wants to be told of an instance, with a key of its own, printed or merged into its file.

mod file;

use super::{
    Failure,
    gateway::{GatewayArguments, origin},
    near,
    output::{OutputFormat, print, print_json},
    place::Place,
    store::Use,
};
use crate::{
    clients::{Client, Folders, ServerEntry, existing, merge, target},
    runtime::control_plane::is_admins,
    settings::{Layers, Settings},
};
use clap::Args;
use file::ClientFile;
use mcp_common::{definition::name::check_id, key::Kind};
use mcp_core::authoring::keys::{self, Issued, NewKey};
use serde_json::{Value, json};
use std::{
    path::{Path, PathBuf},
    time::SystemTime,
};

/// Stands where the key belongs while there is none.
const PLACEHOLDER: &str = "KEY";

#[derive(Args)]
pub(super) struct ConnectArguments {
    /// The instance.
    instance: String,
    /// The client.
    #[arg(long, value_enum)]
    client: Client,
    /// Merge it into the client's own file, of which a copy is kept; without this it is printed.
    #[arg(long)]
    write: bool,
    /// Into the client's file for the project in this folder, instead of the one for all projects of yours.
    #[arg(long, value_name = "FOLDER", num_args = 0..=1, default_missing_value = ".")]
    project: Option<PathBuf>,
    /// Into this file, where the client has it somewhere else.
    #[arg(long, value_name = "FILE", conflicts_with = "project")]
    file: Option<PathBuf>,
    /// What the client calls the server [default: the instance].
    #[arg(long)]
    name: Option<String>,
    /// Take the place of an entry of this name, wherever that one leads to.
    #[arg(long)]
    replace: bool,
    /// Say what would be done; no key is made and nothing is written.
    #[arg(long)]
    dry_run: bool,
    /// The gateway's URL as the client sees it [default: --server, `app.public_url`, or where the configured one listens].
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// The key that the client sends, if there is one already; never one with admin rights.
    #[arg(long, env = "DYNMCP_CLIENT_KEY", hide_env_values = true)]
    client_key: Option<String>,
    /// How to say what is to be told, or what was done.
    #[arg(long, value_enum, default_value_t)]
    format: OutputFormat,
    #[command(flatten)]
    gateway: GatewayArguments,
}

/// A key that was made for this, and where it is stored.
struct NewOne {
    place: Place,
    issued: Issued,
}

pub(super) fn run(config: Option<PathBuf>, arguments: &ConnectArguments) -> Result<(), Failure> {
    check_id(&arguments.instance).map_err(Failure::configuration)?;
    if let Some(key) = &arguments.client_key
        && (arguments.gateway.key() == Some(key.as_str()) || opens_everything(config.clone(), key))
    {
        return Err(Failure::configuration(
            "--client-key is an administrator's key, which no client's file should have; leave it away, and one is made",
        ));
    }
    let url = arguments.url_of_gateway(config.clone())?;
    let program = std::env::current_exe().ok();
    let program = program.map(|program| program.display().to_string());
    let server = |key: &str| {
        ServerEntry::of(&url, &arguments.instance, key)
            .named(arguments.name())
            .with_program(program.clone())
    };
    super::run(async {
        match arguments.write {
            true => arguments.merge_into_file(config, server).await,
            false => arguments.show(config, server).await,
        }
    })
}

/// Whether it is an administrator's key by this configuration. Where there is none that can be read, the gateway is somewhere else.
pub(super) fn opens_everything(config: Option<PathBuf>, key: &str) -> bool {
    Settings::load(&Layers::of_process(config)).is_ok_and(|settings| is_admins(&settings, key))
}

impl ConnectArguments {
    /// Prints the text, with a key that is made for it.
    async fn show(
        &self,
        config: Option<PathBuf>,
        server: impl Fn(&str) -> ServerEntry,
    ) -> Result<(), Failure> {
        let made = self.key(config).await?;
        let text = self.client.text(&server(self.shown(made.as_ref())));
        if self.format == OutputFormat::Json {
            return print_json(&json!({
                "client": self.client.word(),
                "text": text,
                "file": self.path().ok(),
                "key": made.map(|made| made.issued.key.id),
            }));
        }
        print(&format!("{text}\n"))?;
        if let Ok(path) = self.path() {
            let name = self.client.name();
            match self.client {
                Client::ClaudeCode => eprintln!("For a shell; --write puts it into {}.", path.display()),
                _ => eprintln!("{name} reads it in {}; --write puts it there.", path.display()),
            }
        }
        if let Some(made) = made {
            eprintln!("{}", made.said());
        }
        Ok(())
    }

    /// Everything that can be wrong with the file is found before there is a key.
    async fn merge_into_file(
        &self,
        config: Option<PathBuf>,
        server: impl Fn(&str) -> ServerEntry,
    ) -> Result<(), Failure> {
        let (client, name) = (self.client, self.name());
        let file = ClientFile::read(&self.path()?)?;
        let broken = |broken| {
            Failure::runtime(format_args!(
                "{}: {broken}; it was left as it is. Mend it, or put in by hand what `dynmcp connect` prints without --write",
                file.path.display()
            ))
        };
        let wanted = client.entry(&server(PLACEHOLDER));
        let before = existing(client, file.text(), &name).map_err(broken)?;
        if let Some(before) = before.filter(|_| !self.replace) {
            return self.occupied(&file.path, &before, &wanted);
        }
        merge(client, file.text(), &name, &wanted).map_err(broken)?;
        if self.dry_run {
            return self.would(&file.path, &wanted);
        }
        let made = self.key(config.clone()).await?;
        let entry = client.entry(&server(self.shown(made.as_ref())));
        let merged = merge(client, file.text(), &name, &entry).map_err(broken);
        let written = match merged {
            Ok(merged) => file.write(&merged),
            Err(broken) => Err(broken),
        };
        match written {
            Ok(backup) => {
                let path = file.path.display();
                let mut report = format!("{}: `{name}` is in {path}\n", client.name());
                let mut undo = match &backup {
                    Some(backup) => format!("mv {} {}", word(backup), word(&file.path)),
                    None => format!("rm {}", word(&file.path)),
                };
                if self.format == OutputFormat::Json {
                    return print_json(&json!({
                        "client": client.word(),
                        "name": name,
                        "file": file.path,
                        "backup": backup,
                        "key": made.map(|made| made.issued.key.id),
                        "done": "written",
                    }));
                }
                if let Some(made) = &made {
                    report += &format!("{}\n", made.said());
                    undo += &format!(" && {}", made.undo(self, config.as_deref()));
                }
                if self.project.is_some() {
                    report += "The file has a key in it: keep it out of version control.\n";
                }
                if file.is_open_to_all() {
                    report += &format!(
                        "Every user of this machine can read the file, which has a key in it now: chmod o-r {}\n",
                        word(&file.path)
                    );
                }
                print(&format!("{report}{}\nUndo: {undo}\n", client_reads_it(client)))
            }
            Err(failure) => {
                if let Some(made) = made {
                    made.take_back().await;
                }
                Err(failure)
            }
        }
    }

    /// There is an entry of this name.
    fn occupied(&self, path: &Path, before: &Value, wanted: &Value) -> Result<(), Failure> {
        let (name, file, path) = (self.name(), path, path.display());
        if target(before) == target(wanted) {
            if self.format == OutputFormat::Json {
                return print_json(&json!({
                    "client": self.client.word(), "name": name, "file": file, "key": null, "done": "nothing",
                }));
            }
            return print(&format!(
                "{}: `{name}` is in {path} already, nothing was changed; --replace gives it another key\n",
                self.client.name()
            ));
        }
        let leads = match before["url"]
            .as_str()
            .or(before["httpUrl"].as_str())
            .or(before["serverUrl"].as_str())
        {
            // What stands behind it may be a secret.
            Some(url) => format!("leads to {}", url.split(['?', '#']).next().unwrap_or_default()),
            None => match before["command"].as_str() {
                Some(command) => format!("starts {command}"),
                None => "is something else".to_owned(),
            },
        };
        Err(Failure::runtime(format_args!(
            "{path} has a `{name}`, which {leads}; nothing was changed. Take another --name, or --replace it"
        )))
    }

    fn would(&self, path: &Path, wanted: &Value) -> Result<(), Failure> {
        if self.format == OutputFormat::Json {
            return print_json(&json!({
                "client": self.client.word(), "name": self.name(), "file": path, "entry": wanted, "done": "nothing",
            }));
        }
        let entry = serde_json::to_string_pretty(wanted).map_err(Failure::runtime)?;
        let key = match self.client_key {
            Some(_) => "the key that was given",
            None => "a key made for it",
        };
        print(&format!(
            "would put `{}` into {}, with {key} for {PLACEHOLDER}:\n{entry}\n",
            self.name(),
            path.display()
        ))
    }

    /// What clients take as a name, whatever characters the instance has.
    fn name(&self) -> String {
        let plain = |c: char| {
            if c.is_ascii_alphanumeric() || "-_".contains(c) {
                c
            } else {
                '-'
            }
        };
        match &self.name {
            Some(name) => name.clone(),
            None => self.instance.chars().map(plain).collect(),
        }
    }

    fn path(&self) -> Result<PathBuf, Failure> {
        if let Some(file) = &self.file {
            return Ok(file.clone());
        }
        if let Some(project) = &self.project {
            return Folders::project_file(self.client, project).ok_or_else(|| {
                Failure::configuration(format_args!(
                    "{} has no files for projects; leave --project away",
                    self.client.name()
                ))
            });
        }
        let folders = Folders::of_process();
        let folders = folders.ok_or_else(|| {
            Failure::runtime("there is no home directory (HOME); name the file with --file")
        })?;
        Ok(folders.file(self.client))
    }

    fn url_of_gateway(&self, config: Option<PathBuf>) -> Result<String, Failure> {
        let named = self.url.as_deref().or(self.gateway.server());
        let url = match named {
            Some(url) => url.to_owned(),
            None => {
                let settings = Settings::load(&Layers::of_process(config))?;
                let unknown =
                    "which port the gateway listens on is not known (`app.port` is 0): give its --url";
                let public = settings.app.public_url.clone();
                let url = public.or_else(|| origin(&settings, None));
                url.ok_or_else(|| Failure::configuration(unknown))?
            }
        };
        let is_web = url.parse::<http::Uri>().is_ok_and(|uri| {
            matches!(uri.scheme_str(), Some("http" | "https"))
                && uri.host().is_some_and(|host| !host.is_empty())
        });
        match is_web {
            true => Ok(url),
            false => Err(Failure::configuration(format_args!(
                "`{url}` is no URL of a gateway; write http://HOST:PORT"
            ))),
        }
    }

    /// What the client is told to send.
    fn shown<'a>(&'a self, made: Option<&'a NewOne>) -> &'a str {
        match (&self.client_key, made) {
            (Some(key), _) => key,
            (None, Some(made)) => &made.issued.shown,
            (None, None) => PLACEHOLDER,
        }
    }

    /// A key for this client alone, which opens this instance alone; `None` where one was given, or nothing is to be done.
    async fn key(&self, config: Option<PathBuf>) -> Result<Option<NewOne>, Failure> {
        if self.client_key.is_some() || self.dry_run {
            return Ok(None);
        }
        let place = Place::open(config, &self.gateway, Use::Write).await?;
        let instances = place.all(Kind::INSTANCE).await?;
        let ids: Vec<&str> = instances.iter().map(|stored| &*stored.key.id).collect();
        if !ids.contains(&self.instance.as_str()) {
            return Err(Failure::runtime(format_args!(
                "there is no instance `{}`{}",
                self.instance,
                near::hint(&self.instance, ids)
            )));
        }
        let wish = NewKey {
            name: Some(format!("{}-{}", self.client.word(), self.name())),
            description: Some(format!("Made for {} by `dynmcp connect`.", self.client.name())),
            instances: vec![self.instance.clone()],
            ..NewKey::default()
        };
        let issued = keys::create(&wish, SystemTime::now()).map_err(Failure::runtime)?;
        place.write(&issued.key, &issued.document, None).await?;
        Ok(Some(NewOne { place, issued }))
    }
}

impl NewOne {
    fn said(&self) -> String {
        format!(
            "The key `{}` was made for it: it opens this instance alone.",
            self.issued.key.id
        )
    }

    fn undo(&self, arguments: &ConnectArguments, config: Option<&Path>) -> String {
        let place = match (arguments.gateway.server(), config) {
            (Some(server), _) => format!(" --server {server}"),
            (None, Some(config)) => format!(" --config {}", word(config)),
            (None, None) => String::new(),
        };
        format!("dynmcp keys delete {} --confirm{place}", self.issued.key.id)
    }

    /// Nobody has it.
    async fn take_back(self) {
        if let Err(failure) = self.place.delete(&self.issued.key).await {
            eprintln!(
                "note: the key `{}`, made for this, is still there: {failure}",
                self.issued.key.id
            );
        }
    }
}

/// When the client looks into its file.
fn client_reads_it(client: Client) -> &'static str {
    match client {
        Client::ClaudeDesktop => "Quit Claude Desktop and start it again: it reads the file when it starts.",
        Client::ClaudeCode => "Sessions that are open see it after a restart; `claude mcp list` shows it.",
        Client::Codex => "Sessions that are open see it after a restart; `codex mcp list` shows it.",
        _ => "Where it is running, reload or restart it.",
    }
}

/// A path as a shell takes it.
fn word(path: &Path) -> String {
    format!("'{}'", path.display().to_string().replace('\'', r"'\''"))
}
