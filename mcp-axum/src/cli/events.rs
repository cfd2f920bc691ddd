//! `dynmcp events`: what happens in a running gateway, as it happens.

use super::{
    Failure, foreign,
    gateway::RunningGateway,
    output::{OutputFormat, print},
};
use crate::client::{News, follow};
use clap::Args;
use futures_util::StreamExt;
use mcp_core::framing::sse::Event;
use serde_json::{Map, Value};
use std::{fmt::Write, path::PathBuf, pin::pin};

#[derive(Args)]
pub(super) struct EventsArguments {
    #[command(flatten)]
    gateway: RunningGateway,
    /// Only these, with commas between; `*` at the end of one stands for any text: breaker.*,upstream.*
    #[arg(long, value_name = "TYPES", default_value = "*")]
    types: String,
    /// Begin after the event with this id, as far as the gateway keeps them; 0 for all that it keeps.
    #[arg(long, value_name = "ID")]
    since: Option<u64>,
    /// How to print each of them, on one line.
    #[arg(long, value_enum, default_value_t)]
    format: OutputFormat,
}

/// Until somebody ends it, whatever happens to the gateway meanwhile.
pub(super) fn run(config: Option<PathBuf>, arguments: &EventsArguments) -> Result<(), Failure> {
    let gateway = arguments.gateway.open(config)?;
    super::run(async {
        let mut followed = pin!(follow(&gateway, &arguments.types, arguments.since));
        let mut was_open = false;
        while let Some(news) = followed.next().await {
            match news {
                News::Opened => was_open = true,
                News::Event(event) => {
                    if let Some(line) = line(&event, arguments.format) {
                        print(&line)?;
                    }
                }
                News::Refused(error) => return Err(error.into()),
                News::Broken(error) if !was_open => return Err(error.into()),
                News::Broken(_) => {}
            }
        }
        Ok(())
    })
}

/// One event for people.
pub(super) struct Told {
    pub(super) at: String,
    pub(super) kind: String,
    /// What else there is to say, as `name=value`.
    pub(super) members: Vec<String>,
}

impl Told {
    /// `None` of what is no event of a gateway.
    pub(super) fn read(event: &Event) -> Option<Self> {
        let mut members: Map<String, Value> = serde_json::from_slice(&event.data).ok()?;
        let mut take = |name: &str| match members.shift_remove(name) {
            Some(Value::String(text)) => text,
            _ => String::new(),
        };
        let (at, kind) = (take("at"), take("type"));
        let kind = match kind.is_empty() {
            true => event.kind.clone().unwrap_or_default(),
            false => kind,
        };
        members.shift_remove("id");
        let said = members.iter().filter(|(_, value)| !value.is_null());
        let members = said.map(|(name, value)| match value {
            Value::String(text) => format!("{name}={text}"),
            other => format!("{name}={other}"),
        });
        Some(Self {
            at,
            kind,
            members: members.collect(),
        })
    }
}

fn line(event: &Event, format: OutputFormat) -> Option<String> {
    if format == OutputFormat::Json {
        let members: Map<String, Value> = serde_json::from_slice(&event.data).ok()?;
        return Some(foreign::json(&Value::Object(members).to_string()) + "\n");
    }
    let told = Told::read(event)?;
    let mut line = foreign::line(&format!("{:24}  {}", told.at, told.kind));
    for member in &told.members {
        // Writing to a `String` cannot fail.
        let _ = write!(line, "  {}", foreign::line(member));
    }
    line.push('\n');
    Some(line)
}
