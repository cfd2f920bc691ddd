//! What is done with one upstream: `dynmcp upstreams remove|test|enable|disable|refresh|restart|login|logout|logs`, and `dynmcp
//! remove|enable|disable|refresh|logs`, which are the same.

mod login;

use crate::cli::{
    Failure, foreign,
    gateway::{GatewayArguments, RunningGateway},
    near,
    output::{OutputFormat, Saying, print, print_json},
    place::{Place, Stored},
    progress::Progress,
    store::Use,
};
use clap::{Args, Subcommand};
use mcp_common::key::Kind;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};
use std::{collections::HashSet, path::PathBuf, time::Duration};

/// How often new lines are asked for.
const FOLLOW: Duration = Duration::from_secs(1);

/// What is done so often that it is there without `upstreams` before it, too.
#[derive(Subcommand)]
pub(in crate::cli) enum OftenUpstreamsCommand {
    /// Delete an upstream. Its tools go at once; its history stays.
    Remove {
        /// The upstream's id.
        id: String,
        /// Really.
        #[arg(long)]
        confirm: bool,
        #[command(flatten)]
        gateway: GatewayArguments,
        #[command(flatten)]
        saying: Saying,
    },
    /// Switch an upstream on.
    Enable {
        #[command(flatten)]
        stored: StoredUpstream,
    },
    /// Switch an upstream off: its connections end, its tools are not shown; the definition stays.
    Disable {
        #[command(flatten)]
        stored: StoredUpstream,
    },
    /// Take the lists of an upstream anew.
    Refresh {
        #[command(flatten)]
        one: OneUpstream,
        #[command(flatten)]
        saying: Saying,
    },
    /// Print what the program of an upstream wrote beside messages.
    Logs {
        #[command(flatten)]
        one: OneUpstream,
        /// Stay, and print new lines as they come.
        #[arg(long, short = 'f')]
        follow: bool,
        /// How to print them; json is one line each.
        #[arg(long, value_enum, default_value_t)]
        format: OutputFormat,
    },
}

#[derive(Subcommand)]
pub(in crate::cli) enum UpstreamsCommand {
    #[command(flatten)]
    Often(OftenUpstreamsCommand),
    /// Connect with it beside the connection that is in use, and say how long that took; ask each endpoint of an HTTP service how it is.
    Test {
        #[command(flatten)]
        one: OneUpstream,
        /// How to print what came of it.
        #[arg(long, value_enum, default_value_t)]
        format: OutputFormat,
    },
    /// Make a new connection, or start its program anew.
    Restart {
        #[command(flatten)]
        one: OneUpstream,
        #[command(flatten)]
        saying: Saying,
    },
    /// Log in to it for the gateway: prints the address to open in a browser, and waits until that is done.
    Login {
        #[command(flatten)]
        one: OneUpstream,
        /// Only print the address.
        #[arg(long)]
        no_wait: bool,
        /// How to say it; json is one object a line: the address, and that it is done.
        #[arg(long, value_enum, default_value_t)]
        format: OutputFormat,
    },
    /// Let the gateway forget its login.
    Logout {
        #[command(flatten)]
        one: OneUpstream,
        #[command(flatten)]
        saying: Saying,
    },
}

/// The document of an upstream.
#[derive(Args)]
pub(in crate::cli) struct StoredUpstream {
    /// The upstream's id.
    id: String,
    #[command(flatten)]
    gateway: GatewayArguments,
    #[command(flatten)]
    saying: Saying,
}

/// One upstream of a running gateway.
#[derive(Args)]
pub(in crate::cli) struct OneUpstream {
    /// The upstream's id.
    id: String,
    #[command(flatten)]
    gateway: RunningGateway,
}

pub(super) fn run(config: Option<PathBuf>, command: &UpstreamsCommand) -> Result<(), Failure> {
    match command {
        UpstreamsCommand::Often(command) => often(config, command),
        UpstreamsCommand::Test { one, format } => test(config, one, *format),
        UpstreamsCommand::Restart { one, saying } => crate::cli::run(async {
            let state = one.post(config, "restart").await?;
            let became = state["state"].as_str().unwrap_or("-");
            saying.say(&format!("{}: {became}", one.id), &state)
        }),
        UpstreamsCommand::Login { one, no_wait, format } => {
            crate::cli::run(login::begin(one, config, *no_wait, *format))
        }
        UpstreamsCommand::Logout { one, saying } => crate::cli::run(login::forget(one, config, *saying)),
    }
}

/// Those that are there without `upstreams`, too.
pub(in crate::cli) fn often(config: Option<PathBuf>, command: &OftenUpstreamsCommand) -> Result<(), Failure> {
    crate::cli::run(async {
        match command {
            OftenUpstreamsCommand::Remove {
                id,
                confirm,
                gateway,
                saying,
            } => {
                let place = Place::open(config, gateway, Use::Write).await?;
                let Stored { key, .. } = find(&place, id).await?;
                if !confirm {
                    return Err(Failure::runtime(format_args!(
                        "nothing was deleted: add --confirm to delete `{id}`, or switch it off with `disable`"
                    )));
                }
                place.delete(&key).await?;
                saying.say(&format!("removed {id}"), &json!({"id": id, "done": "removed"}))
            }
            OftenUpstreamsCommand::Enable { stored } => switch(config, stored, true).await,
            OftenUpstreamsCommand::Disable { stored } => switch(config, stored, false).await,
            OftenUpstreamsCommand::Refresh { one, saying } => {
                let state = one.post(config, "refresh").await?;
                saying.say(&format!("{}: {} tools", one.id, state["tools"]), &state)
            }
            OftenUpstreamsCommand::Logs { one, follow, format } => one.logs(config, *follow, *format).await,
        }
    })
}

/// Whether an upstream answers, and how fast.
pub(in crate::cli) fn test(
    config: Option<PathBuf>,
    one: &OneUpstream,
    format: OutputFormat,
) -> Result<(), Failure> {
    crate::cli::run(async {
        let checked = one.post(config, "check").await?;
        match format {
            OutputFormat::Json => print_json(&checked),
            OutputFormat::Text => print(&outcome(&one.id, &checked)),
        }
    })
}

impl OneUpstream {
    pub(in crate::cli) fn new(id: String, gateway: RunningGateway) -> Self {
        Self { id, gateway }
    }

    fn path(&self, what: &str) -> String {
        format!(
            "/admin/uds/{}/{what}",
            utf8_percent_encode(&self.id, NON_ALPHANUMERIC)
        )
    }

    async fn post(&self, config: Option<PathBuf>, what: &str) -> Result<Value, Failure> {
        let gateway = self.gateway.open(config)?;
        let _progress = Progress::of("asking the upstream");
        Ok(gateway.post(&self.path(what), &json!({})).await?)
    }

    async fn logs(&self, config: Option<PathBuf>, follow: bool, format: OutputFormat) -> Result<(), Failure> {
        let gateway = self.gateway.open(config)?;
        // The gateway keeps the last lines only, so that this does not grow.
        let mut known: HashSet<String> = HashSet::new();
        loop {
            let answer = gateway.get(&self.path("logs")).await?;
            let lines: Vec<Value> = gateway.data(&answer)?;
            let lines: Vec<(String, Value)> =
                lines.into_iter().map(|line| (line.to_string(), line)).collect();
            for (written, line) in lines.iter().filter(|(written, _)| !known.contains(written)) {
                let text = |name: &str| foreign::line(line[name].as_str().unwrap_or_default());
                match format {
                    OutputFormat::Json => print(&format!("{}\n", foreign::json(written)))?,
                    OutputFormat::Text => {
                        print(&format!("{} {:7} {}\n", text("at"), text("from"), text("text")))?;
                    }
                }
            }
            if !follow {
                return Ok(());
            }
            known = lines.into_iter().map(|(written, _)| written).collect();
            tokio::time::sleep(FOLLOW).await;
        }
    }
}

/// What a check came to.
fn outcome(id: &str, checked: &Value) -> String {
    if let Some(endpoints) = checked["endpoints"].as_array() {
        let problems = endpoints.iter().filter_map(|endpoint| {
            let problem = endpoint["problem"].as_str()?;
            let url = endpoint["url"].as_str().unwrap_or_default();
            Some(format!("    {}\n", foreign::line(&format!("{url}: {problem}"))))
        });
        let problems: Vec<String> = problems.collect();
        return format!(
            "{id} answers at {} of {} endpoints, within {} ms\n{}",
            endpoints.len() - problems.len(),
            endpoints.len(),
            checked["handshake_ms"],
            problems.concat(),
        );
    }
    format!(
        "{id} answers: handshake {} ms, lists {} ms; {} tools, {} resources, {} prompts; revision {}\n",
        checked["handshake_ms"],
        checked["list_ms"],
        checked["tools"],
        checked["resources"],
        checked["prompts"],
        foreign::line(checked["protocol"].as_str().unwrap_or("-")),
    )
}

async fn find(place: &Place, id: &str) -> Result<Stored, Failure> {
    let mut all = place.all(Kind::UPSTREAM).await?;
    match all.iter().position(|stored| *stored.key.id == *id) {
        Some(at) => Ok(all.swap_remove(at)),
        None => Err(Failure::runtime(format_args!(
            "there is no upstream `{id}`{}",
            near::hint(id, all.iter().map(|stored| &*stored.key.id))
        ))),
    }
}

async fn switch(config: Option<PathBuf>, stored: &StoredUpstream, on: bool) -> Result<(), Failure> {
    let StoredUpstream { id, gateway, saying } = stored;
    let place = Place::open(config, gateway, Use::Write).await?;
    let Stored {
        key,
        mut document,
        revision,
    } = find(&place, id).await?;
    document.set("enabled", &on);
    place.write(&key, &document, Some(revision)).await?;
    let done = if on { "enabled" } else { "disabled" };
    saying.say(&format!("{id} is {done}"), &json!({"id": id, "done": done}))
}
