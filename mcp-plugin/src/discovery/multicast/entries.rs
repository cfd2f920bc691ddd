//! Entries of a registry, one in each datagram: `{"name", "url", "tags", …, "ttl"}`. A `ttl` of 0 takes one away.

use super::Room;
use mcp_common::discovery::{Announced, read};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    net::IpAddr,
    time::{Duration, Instant},
};

/// The longest name.
const LONGEST_NAME: usize = 128;
/// Nobody is believed for longer.
const LONGEST: u64 = 86_400;

pub(super) struct Entries {
    usual: Duration,
    /// By their names.
    known: BTreeMap<String, Entry>,
}

struct Entry {
    said: Value,
    until: Instant,
    /// Who said so last.
    from: IpAddr,
}

impl Entries {
    pub(super) fn lasting(usual: Duration) -> Self {
        Self {
            usual,
            known: BTreeMap::new(),
        }
    }

    pub(super) fn forget(&mut self, now: Instant) {
        self.known.retain(|_, entry| entry.until > now);
    }

    pub(super) fn len(&self) -> usize {
        self.known.len()
    }

    /// How many of them one address says.
    pub(super) fn of_one(&self, from: IpAddr) -> usize {
        self.known.values().filter(|entry| entry.from == from).count()
    }

    /// What is no entry is none: anybody may send anything there.
    pub(super) fn take(&mut self, text: &[u8], from: IpAddr, beside: Room, now: Instant) {
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
        let known = self.known.get(&name).map(|entry| entry.from);
        if lasts.is_zero() {
            self.known.remove(&name);
        } else if beside.has(known, from, self.len(), || self.of_one(from)) {
            let entry = Entry {
                said: entry,
                until: now + lasts,
                from,
            };
            self.known.insert(name, entry);
        }
    }

    pub(super) fn end(&self) -> Option<Instant> {
        self.known.values().map(|entry| entry.until).min()
    }

    pub(super) fn announced(&self, notes: &mut Vec<String>) -> Vec<Announced> {
        let entries: Vec<&Value> = self.known.values().map(|entry| &entry.said).collect();
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_are_heard_of_and_no_more() {
        let mut entries = Entries::lasting(Duration::from_secs(120));
        let now = Instant::now();
        let room = |others| Room {
            most: 150,
            others,
            others_of_one: 0,
        };
        let mut say = |name: &str, number: u32, from: &str, others| {
            let entry = json!({"name": format!("{name}{number}"), "url": "http://a.example/mcp"});
            entries.take(
                entry.to_string().as_bytes(),
                from.parse().unwrap(),
                room(others),
                now,
            );
            entries.len()
        };
        let counts: Vec<usize> = (0..120).map(|number| say("x", number, "10.0.0.66", 0)).collect();
        assert_eq!(counts.last(), Some(&100), "of one address");
        let counts: Vec<usize> = (0..120).map(|number| say("y", number, "10.0.0.67", 20)).collect();
        assert_eq!(counts.last(), Some(&130), "with those of the other kind");
        say("x", 0, "10.0.0.67", 20);
        assert_eq!(
            entries.of_one("10.0.0.67".parse().unwrap()),
            31,
            "somebody else says it now"
        );
        let mut notes = Vec::new();
        assert_eq!(entries.announced(&mut notes).len(), 130);
        entries.forget(now + Duration::from_secs(121));
        assert_eq!(entries.len(), 0);
    }
}
