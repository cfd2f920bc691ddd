//! What is done with one upstream: `dynmcp upstreams remove|test|enable|disable|refresh|restart|login|logout|logs`.

mod login;

use crate::cli::{
    Failure, foreign,
    gateway::{GatewayArguments, RunningGateway},
    near,
    output::{OutputFormat, print, print_json},
    place::{Place, Stored},
    store::Use,
};
use clap::{Args, Subcommand};
use mcp_common::key::Kind;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use std::{collections::HashSet, path::PathBuf, time::Duration};

/// How often new lines are asked for.
const FOLLOW: Duration = Duration::from_secs(1);

#[derive(Subcommand)]
pub(in crate::cli) enum UpstreamsCommand {
    /// Delete an upstream. Its tools go at once; its history stays.
    Remove {
        /// The upstream's id.
        id: String,
        /// Really.
        #[arg(long)]
        confirm: bool,
        #[command(flatten)]
        gateway: GatewayArguments,
    },
    /// Connect with it beside the connection that is in use, and say how long that took; ask each endpoint of an HTTP service how it is.
    Test {
        #[command(flatten)]
        one: OneUpstream,
        /// How to print what came of it.
        #[arg(long, value_enum, default_value_t)]
        format: OutputFormat,
    },
    /// Switch it on.
    Enable {
        /// The upstream's id.
        id: String,
        #[command(flatten)]
        gateway: GatewayArguments,
    },
    /// Switch it off: its connections end, its tools are not shown; the definition stays.
    Disable {
        /// The upstream's id.
        id: String,
        #[command(flatten)]
        gateway: GatewayArguments,
    },
    /// Take its lists anew.
    Refresh {
        #[command(flatten)]
        one: OneUpstream,
    },
    /// Make a new connection, or start its program anew.
    Restart {
        #[command(flatten)]
        one: OneUpstream,
    },
    /// Log in to it for the gateway: prints the address to open in a browser, and waits until that is done.
    Login {
        #[command(flatten)]
        one: OneUpstream,
        /// Only print the address.
        #[arg(long)]
        no_wait: bool,
    },
    /// Let the gateway forget its login.
    Logout {
        #[command(flatten)]
        one: OneUpstream,
    },
    /// Print what its program wrote beside messages.
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

/// One upstream of a running gateway.
#[derive(Args)]
pub(in crate::cli) struct OneUpstream {
    /// The upstream's id.
    id: String,
    #[command(flatten)]
    gateway: RunningGateway,
}

pub(super) fn run(config: Option<PathBuf>, command: &UpstreamsCommand) -> Result<(), Failure> {
    crate::cli::run(async {
        match command {
            UpstreamsCommand::Remove { id, confirm, gateway } => {
                let place = Place::open(config, gateway, Use::Write).await?;
                let Stored { key, .. } = find(&place, id).await?;
                if !confirm {
                    return Err(Failure::runtime(format_args!(
                        "nothing was deleted: add --confirm to delete `{id}`, or switch it off with `disable`"
                    )));
                }
                place.delete(&key).await?;
                print(&format!("removed {id}\n"))
            }
            UpstreamsCommand::Enable { id, gateway } => switch(config, id, gateway, true).await,
            UpstreamsCommand::Disable { id, gateway } => switch(config, id, gateway, false).await,
            UpstreamsCommand::Test { one, format } => {
                let checked = one.post(config, "check").await?;
                match format {
                    OutputFormat::Json => print_json(&checked),
                    OutputFormat::Text => print(&outcome(&one.id, &checked)),
                }
            }
            UpstreamsCommand::Refresh { one } => {
                let state = one.post(config, "refresh").await?;
                print(&format!("{}: {} tools\n", one.id, state["tools"]))
            }
            UpstreamsCommand::Restart { one } => {
                let state = one.post(config, "restart").await?;
                print(&format!(
                    "{}: {}\n",
                    one.id,
                    state["state"].as_str().unwrap_or("-")
                ))
            }
            UpstreamsCommand::Login { one, no_wait } => login::begin(one, config, *no_wait).await,
            UpstreamsCommand::Logout { one } => login::forget(one, config).await,
            UpstreamsCommand::Logs { one, follow, format } => one.logs(config, *follow, *format).await,
        }
    })
}

impl OneUpstream {
    fn path(&self, what: &str) -> String {
        format!(
            "/admin/uds/{}/{what}",
            utf8_percent_encode(&self.id, NON_ALPHANUMERIC)
        )
    }

    async fn post(&self, config: Option<PathBuf>, what: &str) -> Result<Value, Failure> {
        let gateway = self.gateway.open(config)?;
        Ok(gateway.post(&self.path(what), &serde_json::json!({})).await?)
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

async fn switch(
    config: Option<PathBuf>,
    id: &str,
    gateway: &GatewayArguments,
    on: bool,
) -> Result<(), Failure> {
    let place = Place::open(config, gateway, Use::Write).await?;
    let Stored {
        key,
        mut document,
        revision,
    } = find(&place, id).await?;
    document.set("enabled", &on);
    place.write(&key, &document, Some(revision)).await?;
    print(&format!("{id} is {}\n", if on { "enabled" } else { "disabled" }))
}
