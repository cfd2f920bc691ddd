//! `dynmcp audit`: who did what, from the files of this replica or from a running gateway; and whether the files are as they were written.

use super::{
    Failure, foreign,
    output::{OutputFormat, print, print_json, table},
    progress::Progress,
};
use crate::{
    audit::{self, Checked, Found, PublicKey, Verified, Wanted, read_time},
    client::Gateway,
    settings::{Layers, Settings},
};
use clap::{Args, Subcommand};
use mcp_common::definition::upstream::Pattern;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, value::RawValue};
use std::{io, path::PathBuf};

#[derive(Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct AuditArguments {
    #[command(subcommand)]
    command: Option<AuditCommand>,
    #[command(flatten)]
    search: Search,
}

#[derive(Subcommand)]
enum AuditCommand {
    /// Look whether a record was changed, removed or moved.
    ///
    /// Prints the number and the hash of the last record: whoever notes them elsewhere sees later whether the end was cut
    /// off; with checkpoints (audit.checkpoint_key_file) this command does. Exit code 1 where something is wrong.
    Verify {
        /// The folder of the files [default: that of the configuration].
        folder: Option<PathBuf>,
        /// The file of checkpoints, perhaps a copy that is kept elsewhere [default: that of the configuration, or checkpoints.jsonl in FOLDER].
        #[arg(long, value_name = "FILE")]
        checkpoints: Option<PathBuf>,
        /// The public key that they have to be signed with, in PEM form [default: that of the key of the configuration].
        #[arg(long, value_name = "FILE")]
        public_key: Option<PathBuf>,
        /// How to print what was found.
        #[arg(long, value_enum, default_value_t)]
        format: OutputFormat,
    },
}

#[derive(Args)]
struct Search {
    /// Whose: the name of a caller, or the id of a key.
    #[arg(long)]
    principal: Option<String>,
    /// In this instance.
    #[arg(long)]
    instance: Option<String>,
    /// Of this tool, with `*` for any text.
    #[arg(long)]
    tool: Option<String>,
    /// Of this action, with `*` for any text: tools/call, admin/*.
    #[arg(long)]
    action: Option<String>,
    /// Only what was allowed, or only what was refused.
    #[arg(long, value_parser = ["allow", "refuse"])]
    decision: Option<String>,
    /// From then on: 2026-11-29T21:00:00Z, or how long ago: 1h, 2days.
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Before then.
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// Records at most, the latest ones.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..=1000))]
    limit: u16,
    /// The folder of the files [default: that of the configuration].
    #[arg(long, value_name = "DIR", conflicts_with = "server")]
    folder: Option<PathBuf>,
    /// A running gateway, asked through its admin API.
    #[arg(long, value_name = "URL")]
    server: Option<String>,
    /// An admin's key of that gateway.
    #[arg(long, env = "DYNMCP_KEY", hide_env_values = true)]
    key: Option<String>,
    /// How to print them; json is one record a line, as it stands in the files.
    #[arg(long, value_enum, default_value_t)]
    format: OutputFormat,
}

pub(super) fn run(config: Option<PathBuf>, arguments: &AuditArguments) -> Result<(), Failure> {
    match &arguments.command {
        Some(AuditCommand::Verify {
            folder,
            checkpoints,
            public_key,
            format,
        }) => {
            let signed = Signed::find(config.clone(), (folder, checkpoints, public_key))?;
            verify(&folder_of(config, folder)?, &signed, *format)
        }
        None => search(config, &arguments.search),
    }
}

fn folder_of(config: Option<PathBuf>, chosen: &Option<PathBuf>) -> Result<PathBuf, Failure> {
    if let Some(folder) = chosen {
        return Ok(folder.clone());
    }
    let settings = Settings::load(&Layers::of_process(config))?;
    Ok(audit::folder_of(&settings))
}

fn unreadable(folder: &std::path::Path, error: &io::Error) -> Failure {
    let folder = folder.display();
    Failure::runtime(match error.kind() {
        io::ErrorKind::NotFound => format!(
            "there is no audit log in `{folder}`: `audit.enabled` of the configuration makes one, `audit.dir` says where"
        ),
        _ => format!("the audit log in `{folder}` cannot be read: {error}"),
    })
}

fn search(config: Option<PathBuf>, wanted: &Search) -> Result<(), Failure> {
    let mut records = match &wanted.server {
        Some(server) => super::run(ask(server, wanted))?,
        None => {
            let folder = folder_of(config, &wanted.folder)?;
            let Found { records, before } =
                audit::search(&folder, &wanted.read()?).map_err(|error| unreadable(&folder, &error))?;
            if let Some(before) = before.filter(|_| records.len() < usize::from(wanted.limit)) {
                eprintln!("records before {before} were not looked at; narrow the time with --until");
            }
            records
        }
    };
    // As in any log, what is new stands below.
    records.reverse();
    match wanted.format {
        OutputFormat::Json => {
            let lines: String = records
                .iter()
                .map(|record| format!("{}\n", foreign::json(record.get())))
                .collect();
            print(&lines)
        }
        OutputFormat::Text if records.is_empty() => print("no such records\n"),
        OutputFormat::Text => {
            let head = [
                "AT",
                "PRINCIPAL",
                "ACTION",
                "WHERE",
                "WHAT",
                "DECISION",
                "OUTCOME",
                "MS",
            ];
            print(&table(&head, records.iter().map(|record| row(record))))
        }
    }
}

async fn ask(server: &str, wanted: &Search) -> Result<Vec<Box<RawValue>>, Failure> {
    let gateway = match &wanted.key {
        Some(key) => Gateway::new(server, key),
        None => Gateway::anonymous(server),
    }?;
    let members = [
        ("principal", &wanted.principal),
        ("instance", &wanted.instance),
        ("tool", &wanted.tool),
        ("action", &wanted.action),
        ("decision", &wanted.decision),
        ("since", &wanted.since),
        ("until", &wanted.until),
    ];
    let mut path = format!("/admin/audit?limit={}", wanted.limit);
    for (name, value) in members {
        if let Some(value) = value {
            path += &format!("&{name}={}", utf8_percent_encode(value, NON_ALPHANUMERIC));
        }
    }
    let answer = gateway.get(&path).await?;
    Ok(gateway.data(&answer)?)
}

impl Search {
    fn read(&self) -> Result<Wanted, Failure> {
        let time = |name: &str, text: &Option<String>| {
            let read = text.as_deref().map(read_time).transpose();
            read.map_err(|reason| Failure::configuration(format_args!("--{name}: {reason}")))
        };
        Ok(Wanted {
            principal: self.principal.clone(),
            instance: self.instance.clone(),
            tool: self.tool.clone().map(Pattern),
            action: self.action.clone().map(Pattern),
            decision: self.decision.clone(),
            since: time("since", &self.since)?,
            until: time("until", &self.until)?,
            before: None,
            limit: self.limit.into(),
        })
    }
}

fn row(record: &RawValue) -> Vec<String> {
    let record: Value = serde_json::from_str(record.get()).unwrap_or_default();
    let word = |name: &str| match &record[name] {
        Value::Null => "-".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let first = |names: &[&str]| {
        let known = names.iter().find(|name| !record[**name].is_null());
        known.map_or_else(|| "-".to_owned(), |name| word(name))
    };
    let action = match record["event"].as_str() {
        Some(event) => format!("({event})"),
        None => word("action"),
    };
    vec![
        word("at"),
        word("principal"),
        action,
        word("instance"),
        first(&["tool", "target", "lost", "count", "through", "version"]),
        word("decision"),
        word("outcome"),
        word("ms"),
    ]
}

/// Where checkpoints are, and whose they have to be.
struct Signed {
    file: PathBuf,
    key: Option<PublicKey>,
}

impl Signed {
    /// A folder that is named has nothing to do with the configuration.
    fn find(
        config: Option<PathBuf>,
        (folder, checkpoints, public_key): (&Option<PathBuf>, &Option<PathBuf>, &Option<PathBuf>),
    ) -> Result<Self, Failure> {
        let named = public_key.as_deref().map(PublicKey::read);
        let (file, configured) = match folder {
            Some(folder) => (audit::checkpoints_in(folder), None),
            None => {
                let settings = Settings::load(&Layers::of_process(config))?;
                let key = settings.audit.checkpoint_key_file.as_ref().map(PathBuf::from);
                // Whoever looks need not be able to sign.
                let key = key.filter(|file| named.is_none() && file.exists());
                (audit::checkpoints_of(&settings), key)
            }
        };
        let configured = configured.map(|file| PublicKey::of_private(&file));
        let key = named.or(configured).transpose().map_err(Failure::configuration)?;
        Ok(Self {
            file: checkpoints.clone().unwrap_or(file),
            key,
        })
    }
}

fn verify(folder: &std::path::Path, signed: &Signed, format: OutputFormat) -> Result<(), Failure> {
    let checked = Checked {
        file: Some(&signed.file),
        key: signed.key.clone(),
    };
    let found = {
        let _progress = Progress::of("reading");
        audit::verify(folder, &checked).map_err(|error| unreadable(folder, &error))?
    };
    let number = found.problems.len() as u64 + found.more_problems;
    match format {
        OutputFormat::Json => print_json(&found)?,
        OutputFormat::Text => print(&text(&found))?,
    }
    match number {
        0 => Ok(()),
        1 => Err(Failure::runtime(
            "the audit log is not as it was written: 1 problem",
        )),
        _ => Err(Failure::runtime(format_args!(
            "the audit log is not as it was written: {number} problems"
        ))),
    }
}

fn text(found: &Verified) -> String {
    let mut out: String = found
        .problems
        .iter()
        .map(|problem| foreign::line(problem) + "\n")
        .collect();
    if found.more_problems > 0 {
        out += &format!("… and {} more\n", found.more_problems);
    }
    if found.torn > 0 {
        out += &format!(
            "{} unfinished, of processes that were ended by force\n",
            lines(found.torn)
        );
    }
    if found.is_open {
        out += "the last line is not finished: a gateway is writing it, or was ended by force\n";
    }
    if found.lost > 0 {
        out += &format!(
            "the log itself says that {} were lost, for which there was no room\n",
            records(found.lost)
        );
    }
    if let Some(last) = &found.checkpoint {
        let signatures = match found.signatures_checked {
            true => "signed by the key",
            false => "whose signatures were not looked at: name the key (--public-key)",
        };
        out += &format!(
            "{} checkpoints, {signatures}; the last one is of record {}, at {}\n",
            found.checkpoints,
            last.seq,
            foreign::line(&last.at)
        );
    }
    let Some((first, head)) = found.first.zip(found.head.as_ref()) else {
        return out + "no records\n";
    };
    out += &format!(
        "{} in {} files, {first} to {}; the last one has the hash {}\n",
        records(found.records),
        found.files,
        head.seq,
        head.hash
    );
    out
}

fn records(number: u64) -> String {
    if number == 1 {
        "1 record".to_owned()
    } else {
        format!("{number} records")
    }
}

fn lines(number: u64) -> String {
    if number == 1 {
        "1 line".to_owned()
    } else {
        format!("{number} lines")
    }
}
