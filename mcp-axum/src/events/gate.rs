//! Tells of calls and of refusals, on the way of requests.

use mcp_common::events::Events;
use mcp_core::policy::{Door, Gate, Record};
use serde_json::{Value, json};
use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::{SystemTime, UNIX_EPOCH},
};

/// So many refusals of a minute are told one by one; the next one says how many were not. Nobody empties the ring with guesses.
const DENIED_A_MINUTE: u64 = 60;

/// A gate that lets everything pass.
pub(crate) struct EventGate {
    events: Events,
    /// One call in so many is told; 0: none.
    every: AtomicU64,
    calls: AtomicU64,
    /// The minute since 1970, and how many refusals there were in it.
    denied: AtomicU64,
    untold: AtomicU64,
}

impl EventGate {
    pub(crate) fn new(events: Events, every: u64) -> Self {
        Self {
            events,
            every: every.into(),
            calls: AtomicU64::new(0),
            denied: AtomicU64::new(0),
            untold: AtomicU64::new(0),
        }
    }

    /// From now on one call in so many.
    pub(crate) fn tell_every(&self, every: u64) {
        self.every.store(every, Relaxed);
    }

    fn executed(&self, record: &Record) {
        let every = self.every.load(Relaxed);
        let trace = &record.trace;
        let (true, Some(outcome)) = (every > 0, trace.outcome) else {
            return;
        };
        if every > 1 && !self.calls.fetch_add(1, Relaxed).is_multiple_of(every) {
            return;
        }
        let mut members = whose(record);
        members["tool"] = json!(trace.tool);
        members["outcome"] = outcome.as_str().into();
        members["upstream_status"] = json!(trace.upstream_status);
        members["duration_ms"] = json!(record.duration().as_micros() as f64 / 1_000.0);
        self.events.tell("tool.executed", members);
    }

    fn denied(&self, record: &Record) {
        let minute = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default()
            .as_secs()
            / 60;
        let count = |seen: u64| match seen >> 32 == minute {
            true => seen + 1,
            false => (minute << 32) | 1,
        };
        let seen = self
            .denied
            .fetch_update(Relaxed, Relaxed, |seen| Some(count(seen)));
        if seen.map_or(0, count) & 0xffff_ffff > DENIED_A_MINUTE {
            self.untold.fetch_add(1, Relaxed);
            return;
        }
        let mut members = whose(record);
        members["status"] = record.status().into();
        members["tool"] = json!(record.trace.tool);
        if let Some((method, path)) = &record.path {
            members["method"] = method.as_str().into();
            members["path"] = path.chars().take(200).collect::<String>().into();
        }
        members["untold"] = self.untold.swap(0, Relaxed).into();
        self.events.tell("access.denied", members);
    }
}

fn whose(record: &Record) -> Value {
    json!({
        "request": record.request_id(), "instance": record.instance, "principal": record.subject(), "key": record.key(),
        "address": record.address,
    })
}

impl Gate for EventGate {
    fn over(&self, record: &Record) {
        if record.door == Door::Mcp {
            self.executed(record);
        }
        if matches!(record.status(), 401 | 403) || record.trace.is_refused {
            self.denied(record);
        }
    }
}
