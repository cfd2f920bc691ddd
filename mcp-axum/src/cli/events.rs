//! `dynmcp events`: what happens in a running gateway, as it happens.

use super::{
    Failure, foreign,
    gateway::RunningGateway,
    output::{OutputFormat, print},
};
use crate::client::{ClientError, Gateway};
use clap::Args;
use http::{HeaderMap, Method, StatusCode, header};
use http_body_util::BodyExt;
use mcp_common::backoff::Backoff;
use mcp_core::framing::sse::{Event, Parser};
use serde_json::{Map, Value};
use std::{fmt::Write, path::PathBuf, time::Duration};

/// An event has few members.
const MOST: u64 = 1 << 20;
const FIRST_WAIT: Duration = Duration::from_millis(500);
const LONGEST_WAIT: Duration = Duration::from_secs(10);

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
        let mut known = arguments.since;
        let mut backoff = Backoff::between(FIRST_WAIT, LONGEST_WAIT);
        let mut is_first = true;
        loop {
            match follow(&gateway, arguments, &mut known, &mut backoff).await {
                Err(Ended::Refused(failure)) => return Err(failure),
                Err(Ended::Broken(failure)) if is_first => return Err(failure),
                Err(Ended::Broken(_)) | Ok(()) => {}
            }
            is_first = false;
            tokio::time::sleep(backoff.next_wait()).await;
        }
    })
}

/// Why it is not followed any more.
enum Ended {
    /// It would be the same again.
    Refused(Failure),
    Broken(Failure),
}

async fn follow(
    gateway: &Gateway,
    arguments: &EventsArguments,
    known: &mut Option<u64>,
    backoff: &mut Backoff,
) -> Result<(), Ended> {
    let types = percent_encoding::utf8_percent_encode(&arguments.types, percent_encoding::NON_ALPHANUMERIC);
    let mut path = format!("/admin/events?types={types}");
    if let Some(known) = known {
        // Writing to a `String` cannot fail.
        let _ = write!(path, "&since={known}");
    }
    let mut headers = HeaderMap::new();
    headers.insert(
        header::ACCEPT,
        header::HeaderValue::from_static("text/event-stream"),
    );
    let opened = gateway.open(Method::GET, &path, headers, "").await;
    let response = opened.map_err(|error| Ended::Broken(error.into()))?;
    let status = response.status();
    if status != StatusCode::OK {
        let body = response
            .into_body()
            .collect()
            .await
            .map(http_body_util::Collected::to_bytes);
        let said: Option<Value> = body.ok().and_then(|body| serde_json::from_slice(&body).ok());
        let text = said.and_then(|said| Some(said["error"].as_str()?.to_owned()));
        let failure = Failure::runtime(text.unwrap_or_else(|| status.to_string()));
        return Err(
            match status.is_client_error() && status != StatusCode::TOO_MANY_REQUESTS {
                true => Ended::Refused(failure),
                false => Ended::Broken(failure),
            },
        );
    }
    let mut body = response.into_body();
    let mut parser = Parser::new(MOST);
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| Ended::Broken(Failure::runtime(error)))?;
        let Ok(data) = frame.into_data() else { continue };
        let events = parser.push(&data);
        let events = events
            .map_err(|_| Ended::Refused(ClientError::Protocol("an event is too large".to_owned()).into()))?;
        for event in events {
            backoff.reset();
            if let Some(id) = event.id.as_deref().and_then(|id| id.parse().ok()) {
                *known = Some(id);
            }
            if let Some(line) = line(&event, arguments.format) {
                print(&line).map_err(Ended::Refused)?;
            }
        }
    }
    Ok(())
}

fn line(event: &Event, format: OutputFormat) -> Option<String> {
    let mut members: Map<String, Value> = serde_json::from_slice(&event.data).ok()?;
    if format == OutputFormat::Json {
        let text = Value::Object(members).to_string();
        return Some(foreign::json(&text) + "\n");
    }
    let mut take = |name: &str| match members.shift_remove(name) {
        Some(Value::String(text)) => text,
        _ => String::new(),
    };
    let (at, kind) = (take("at"), take("type"));
    let kind = if kind.is_empty() {
        event.kind.clone().unwrap_or_default()
    } else {
        kind
    };
    members.shift_remove("id");
    let mut line = foreign::line(&format!("{at:24}  {kind}"));
    for (name, value) in members.iter().filter(|(_, value)| !value.is_null()) {
        let value = match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let _ = write!(line, "  {}", foreign::line(&format!("{name}={value}")));
    }
    line.push('\n');
    Some(line)
}
