//! What happens in a gateway, told: what of it is found out on the way of requests, whether it is healthy, and those outside who hear of it.

mod gate;
mod health;
mod webhooks;

pub(crate) use gate::EventGate;
pub(crate) use health::watch as watch_health;
pub(crate) use webhooks::{process_name, run as tell_webhooks, signature};

use crate::timestamp::rfc3339;
use mcp_common::events::Event;
use serde_json::{Value, json};

/// An event as everybody outside reads it.
pub(crate) fn written_as_json(event: &Event) -> Value {
    let mut written = json!(event);
    written["at"] = rfc3339(event.at).into();
    written
}
