//! Servers that are replicas of each other are endpoints of one upstream.

use super::{
    ConfiguredUpstream, Translated,
    keys::Balance,
    server::{NOT_PROBED, Server},
};
use crate::settings::SettingsError;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// Replicas have an address, and the same tools or the same name.
pub(super) fn group(
    servers: Vec<Server>,
    balance: &Balance,
    all: &mut Translated,
) -> Vec<ConfiguredUpstream> {
    let mut groups: Vec<Vec<Server>> = Vec::new();
    for server in servers {
        let known = groups.iter().flatten().find(|known| known.id == server.id);
        if let Some(known) = known {
            let reason = format!("is that of {}, too (server `{}`)", known.place, server.id);
            all.problems
                .push(SettingsError::value(format!("{}.id", server.place), reason));
            continue;
        }
        match groups.iter_mut().find(|group| is_replica(&group[0], &server)) {
            Some(group) => group.push(server),
            None => {
                if let Some(like) = groups.iter().flatten().find(|one| seem_replicas(one, &server)) {
                    all.notes.push(apart(like, &server));
                }
                groups.push(vec![server]);
            }
        }
    }
    groups
        .into_iter()
        .map(|group| upstream(group, balance, all))
        .collect()
}

fn seem_replicas(one: &Server, other: &Server) -> bool {
    let has_same_tools = !one.tools.is_empty() && one.tools == other.tools;
    let has_same_name = one.name.is_some() && one.name == other.name;
    one.url.is_some() && other.url.is_some() && (has_same_tools || has_same_name)
}

fn is_replica(one: &Server, other: &Server) -> bool {
    seem_replicas(one, other) && (&one.document, &one.health) == (&other.document, &other.health)
}

/// Why two that look like replicas are none.
fn apart(one: &Server, other: &Server) -> String {
    let members: BTreeSet<&str> = one
        .document
        .keys()
        .chain(other.document.keys())
        .map(String::as_str)
        .collect();
    let differs = |member: &&str| one.document.get(*member) != other.document.get(*member);
    let mut differing: Vec<&str> = members.into_iter().filter(differs).collect();
    if one.health != other.health {
        differing.push("health_check");
    }
    format!(
        "{} (server `{}`): has the name or the tools of `{}`, but is no replica of it: they differ in {}. Each is an upstream of its own, and requests are not \
         shared between them",
        other.place,
        other.id,
        one.id,
        differing.join(", ")
    )
}

fn upstream(mut group: Vec<Server>, balance: &Balance, all: &mut Translated) -> ConfiguredUpstream {
    // Tiers begin with the lowest number.
    let first = group
        .iter()
        .map(|server| server.priority)
        .min()
        .unwrap_or_default();
    let endpoints: Vec<Value> = group
        .iter()
        .filter_map(|server| {
            let url = server.url.as_ref()?;
            Some(json!({"url": url, "weight": server.weight, "priority": server.priority - first}))
        })
        .collect();
    let Server {
        id,
        name,
        tools,
        mut document,
        url,
        health,
        is_older,
        place,
        ..
    } = group.swap_remove(0);
    document.insert("id".to_owned(), id.clone().into());
    document.insert("name".to_owned(), name.unwrap_or_else(|| id.clone()).into());
    document.insert("priority".to_owned(), first.into());
    if !tools.is_empty() {
        document.insert("tools".to_owned(), json!({"include": tools}));
    }
    let is_alone = endpoints.len() == 1;
    match url {
        None => {}
        // How it speaks is found out, which endpoints do not: these speak streamable HTTP.
        Some(url) if is_alone && (health.is_none() || is_older) => {
            document.insert("url".to_owned(), url.into());
            if health.is_some() {
                all.notes
                    .push(format!("{place}.health_check (server `{id}`): {NOT_PROBED}"));
            }
        }
        Some(url) => {
            if is_alone {
                document.insert("endpoints".to_owned(), json!([{"url": url}]));
            } else {
                document.insert("endpoints".to_owned(), endpoints.into());
                document.insert("balance".to_owned(), balance.document());
            }
            if let Some(breaker) = &balance.breaker {
                document.insert("breaker".to_owned(), breaker.clone());
            }
            if let Some(health) = health {
                document.insert("health".to_owned(), health.into());
            }
        }
    }
    if let Some(most) = balance.most {
        limit(&mut document, most);
    }
    ConfiguredUpstream {
        id,
        document: sorted(document),
    }
}

/// Lets so many requests be under way to each server with an address, where it does not say so itself.
fn limit(document: &mut Map<String, Value>, most: u64) {
    let name = match (document.contains_key("endpoints"), document.contains_key("url")) {
        (true, _) => "endpoint_concurrency",
        (false, true) => "concurrency",
        (false, false) => return,
    };
    let limits = document.entry("limits").or_insert_with(|| json!({}));
    if limits.get(name).is_none() {
        limits[name] = most.into();
    }
}

/// The same file in another format is the same document.
fn sorted(document: Map<String, Value>) -> Value {
    let mut members: Vec<_> = document.into_iter().collect();
    members.sort_by(|one, other| one.0.cmp(&other.0));
    members.into_iter().collect()
}
