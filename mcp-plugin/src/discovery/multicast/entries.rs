//! Entries of a registry, one in each datagram: `{"name", "url", "tags", …, "ttl"}`. A `ttl` of 0 takes one away.

use mcp_common::discovery::{Announced, read};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

/// More servers are not heard.
const MOST: usize = 1_000;
/// The longest name.
const LONGEST_NAME: usize = 128;
/// Nobody is believed for longer.
const LONGEST: u64 = 86_400;

pub(super) struct Entries {
    usual: Duration,
    /// By their names.
    known: BTreeMap<String, (Value, Instant)>,
}

impl Entries {
    pub(super) fn lasting(usual: Duration) -> Self {
        Self {
            usual,
            known: BTreeMap::new(),
        }
    }

    /// What is no entry is none: anybody may send anything there.
    pub(super) fn take(&mut self, text: &[u8], now: Instant) {
        let Ok(mut entry) = serde_json::from_slice::<Value>(text) else {
            return;
        };
        let Some(name) = entry["name"]
            .as_str()
            .filter(|name| (1..=LONGEST_NAME).contains(&name.len()))
        else {
            return;
        };
        let name = name.to_owned();
        let ttl = entry.as_object_mut().and_then(|members| members.remove("ttl"));
        let lasts = match ttl.map(|ttl| ttl.as_u64()) {
            None => self.usual,
            Some(Some(seconds)) => Duration::from_secs(seconds.min(LONGEST)),
            Some(None) => return,
        };
        if lasts.is_zero() {
            self.known.remove(&name);
        } else if self.known.len() < MOST || self.known.contains_key(&name) {
            self.known.insert(name, (entry, now + lasts));
        }
    }

    pub(super) fn end(&self) -> Option<Instant> {
        self.known.values().map(|(_, until)| *until).min()
    }

    pub(super) fn announced(&mut self, now: Instant, notes: &mut Vec<String>) -> Vec<Announced> {
        self.known.retain(|_, (_, until)| *until > now);
        let entries: Vec<&Value> = self.known.values().map(|(entry, _)| entry).collect();
        match read(json!(entries).to_string().as_bytes()) {
            Ok(set) => {
                notes.extend(set.notes);
                set.upstreams
            }
            Err(reason) => {
                notes.push(reason);
                Vec::new()
            }
        }
    }
}
