//! Documents that list servers, in every form that is about: `discovered_servers.json`, `servers_config.json`, clients' files, and upstreams as they are.

use super::{Announced, Set, client_file, registered::Registration};
use crate::secret::SECRET_VARIABLES;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// What a file of servers says of one of them beside what registries say.
#[derive(Deserialize)]
struct Configured {
    enabled: Option<bool>,
    retry_count: Option<u32>,
    timeout: Option<f64>,
}

/// What it says of all.
#[derive(Default, Deserialize)]
struct ClientConfig {
    max_concurrent_connections: Option<u32>,
    default_timeout: Option<f64>,
    retry_delay: Option<Value>,
}

/// Members beside the list that mean nothing here, and nothing is lost by that.
const SILENT: [&str; 2] = ["discovery_metadata", "$schema"];

/// Reads one. What cannot be read as a list at all is an error; an entry that cannot is announced with its reason.
pub fn read(text: &[u8]) -> Result<Set, String> {
    let value: Value = serde_json::from_slice(text).map_err(|error| format!("is no JSON: {error}"))?;
    match &value {
        Value::Array(items) => Ok(entries(items, &Map::new())),
        Value::Object(members) => match (members.get("upstreams"), members.get("servers")) {
            (Some(Value::Array(items)), _) => Ok(upstreams(items)),
            (_, Some(Value::Array(items))) => Ok(entries(items, members)),
            _ => clients(&value),
        },
        _ => Err("is neither an object nor a list".to_owned()),
    }
}

/// Documents of upstreams.
fn upstreams(items: &[Value]) -> Set {
    let announced = items.iter().enumerate().map(|(index, item)| {
        let id = item["id"].as_str().map(str::to_owned);
        let document = match (&id, item) {
            (Some(_), Value::Object(_)) => Ok(item.clone()),
            _ => Err("has no `id`".to_owned()),
        };
        Announced {
            id: id.unwrap_or_else(|| format!("upstreams[{index}]")),
            document,
        }
    });
    Set {
        upstreams: announced.collect(),
        notes: Vec::new(),
    }
}

/// Servers as registries and configurations write them.
fn entries(items: &[Value], beside: &Map<String, Value>) -> Set {
    let mut set = Set::default();
    let mut ids = BTreeSet::new();
    let mut names = BTreeSet::new();
    let all: ClientConfig = beside
        .get("client_config")
        .and_then(|config| ClientConfig::deserialize(config).ok())
        .unwrap_or_default();
    for name in beside.keys().filter(|name| !SILENT.contains(&name.as_str())) {
        match name.as_str() {
            "servers" | "client_config" => {}
            "llm_config" => set
                .notes
                .push("llm_config: is passed over, since a gateway asks no model".to_owned()),
            other => set
                .notes
                .push(format!("{other}: means nothing here and is passed over")),
        }
    }
    if all.retry_delay.is_some() {
        let note = "client_config.retry_delay: is passed over: connections are tried again as those to all upstreams are";
        set.notes.push(note.to_owned());
    }
    for (index, item) in items.iter().enumerate() {
        // Under its id what was good of it before is known.
        let place = || match item["name"].as_str() {
            Some(name) => client_file::free_id(name, &ids).unwrap_or_else(|| name.to_owned()),
            None => format!("servers[{index}]"),
        };
        let read = Registration::deserialize(item).map_err(|error| error.to_string());
        let (id, document) = match read {
            Ok(server) => match client_file::free_id(&server.name, &ids) {
                Some(id) => {
                    if !names.insert(server.name.clone()) {
                        let note = format!(
                            "{}: stands there twice; what comes later has the id `{id}`",
                            server.name
                        );
                        set.notes.push(note);
                    }
                    let (mut document, note) = server.document(&id);
                    set.notes
                        .extend(note.map(|note| format!("{}: {note}", server.name)));
                    let said = configured(&mut document, item, &all);
                    (id, said.map(|()| document))
                }
                None => (place(), Err("nothing of the name can be an id".to_owned())),
            },
            Err(reason) => (place(), Err(reason)),
        };
        ids.insert(id.clone());
        set.upstreams.push(Announced { id, document });
    }
    set
}

fn configured(document: &mut Value, item: &Value, all: &ClientConfig) -> Result<(), String> {
    let own = Configured::deserialize(item).map_err(|error| error.to_string())?;
    if own.enabled == Some(false) {
        document["enabled"] = false.into();
    }
    if let Some(seconds) = own.timeout.or(all.default_timeout) {
        let is_time = (0.001..=86_400.0).contains(&seconds);
        let millis = is_time.then_some((seconds * 1_000.0) as u64);
        let millis = millis.ok_or_else(|| format!("timeout: {seconds} is no time in seconds"))?;
        document["timeouts"] = json!({"call_total_ms": millis});
    }
    if let Some(most) = all.max_concurrent_connections {
        document["limits"] = json!({"concurrency": most});
    }
    if let Some(attempts) = own.retry_count {
        // What is tried again is tried at an endpoint, if only at the same one.
        if let Some(url) = document.as_object_mut().and_then(|members| members.remove("url")) {
            document["endpoints"] = json!([{"url": url}]);
        }
        document["failover"] = json!({"attempts": attempts.min(63)});
    }
    Ok(())
}

/// A client's file.
fn clients(file: &Value) -> Result<Set, String> {
    let made = client_file::read_value(file, SECRET_VARIABLES).map_err(|error| match error {
        client_file::NoMcpServers::None => {
            "has no servers: neither `servers`, `upstreams` nor `mcpServers`".to_owned()
        }
        error => error.to_string(),
    })?;
    let announced = made.upstreams.into_iter().map(|(key, document)| Announced {
        id: key.id.to_string(),
        document: serde_json::from_str(document.as_json()).map_err(|error| error.to_string()),
    });
    let left_out = made.left_out.into_iter().map(|(id, reason)| Announced {
        id,
        document: Err(reason),
    });
    Ok(Set {
        upstreams: announced.chain(left_out).collect(),
        notes: made.notes,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn documents(file: &Value) -> (Vec<Value>, Vec<String>) {
        let set = read(file.to_string().as_bytes()).unwrap();
        let documents = set.upstreams.into_iter().map(|found| match found.document {
            Ok(document) => document,
            Err(reason) => json!([found.id, reason]),
        });
        (documents.collect(), set.notes)
    }

    #[test]
    fn registries_and_configurations_are_read() {
        let (found, notes) = documents(&json!({
            "servers": [
                {"name": "Weather API", "url": "http://a.example/mcp", "tags": ["weather"], "priority": 2, "colour": "blue"},
                {"name": "weather-api", "url": "http://b.example/mcp"},
                {"name": "No URL"},
            ],
            "discovery_metadata": {"last_updated": "2026-01-01"},
        }));
        assert_eq!(
            found,
            [
                json!({"id": "weather-api", "name": "Weather API", "priority": 98, "tags": ["weather"], "url": "http://a.example/mcp"}),
                json!({"id": "weather-api-2", "name": "weather-api", "priority": 100, "url": "http://b.example/mcp"}),
                json!(["no-url", "missing field `url`"]),
            ]
        );
        assert_eq!(notes, Vec::<String>::new());

        let (found, notes) = documents(&json!({"servers": [
            {"name": "weather", "url": "http://a.example/mcp"}, {"name": "weather", "url": "http://b.example/mcp"},
        ]}));
        assert_eq!(
            (&found[0]["id"], &found[1]["id"]),
            (&json!("weather"), &json!("weather-2"))
        );
        assert_eq!(
            notes,
            ["weather: stands there twice; what comes later has the id `weather-2`"]
        );

        let (found, notes) = documents(&json!({
            "servers": [
                {"name": "a", "url": "http://a.example/mcp", "description": "A.", "enabled": false, "retry_count": 3, "timeout": 1.5},
                {"name": "b", "url": "http://b.example/mcp"},
                {"name": "c", "url": "http://c.example/mcp", "timeout": -1},
            ],
            "client_config": {"max_concurrent_connections": 10, "default_timeout": 30, "retry_delay": 5},
            "llm_config": {"model": "x"},
        }));
        assert_eq!(
            found,
            [
                json!({"id": "a", "name": "a", "priority": 100, "description": "A.", "enabled": false, "timeouts": {"call_total_ms": 1500},
                    "limits": {"concurrency": 10}, "endpoints": [{"url": "http://a.example/mcp"}], "failover": {"attempts": 3}}),
                json!({"id": "b", "name": "b", "priority": 100, "url": "http://b.example/mcp", "timeouts": {"call_total_ms": 30000},
                    "limits": {"concurrency": 10}}),
                json!(["c", "timeout: -1 is no time in seconds"]),
            ]
        );
        assert!(
            notes.len() == 2 && notes[0].starts_with("llm_config: "),
            "{notes:?}"
        );
    }

    #[test]
    fn clients_files_and_upstreams_are_read_and_others_are_not() {
        let (found, _) =
            documents(&json!({"mcpServers": {"time": {"command": "uvx", "args": ["mcp-server-time"]}}}));
        assert_eq!(
            found,
            [json!({"id": "time", "name": "time", "command": "uvx", "args": ["mcp-server-time"]})]
        );
        let (found, _) = documents(
            &json!({"servers": {"My Docs": {}, "docs": {"type": "http", "url": "https://a.example/mcp"}}}),
        );
        assert_eq!(found[0]["url"], "https://a.example/mcp");
        assert_eq!(
            found[1],
            json!(["my-docs", "it has neither `url` nor `command`"]),
            "by its id, so that what was good of it before stays"
        );
        let (found, _) =
            documents(&json!({"upstreams": [{"id": "x", "url": "http://x/mcp"}, {"url": "http://y/mcp"}]}));
        assert_eq!(
            found,
            [
                json!({"id": "x", "url": "http://x/mcp"}),
                json!(["upstreams[1]", "has no `id`"])
            ]
        );
        assert_eq!(
            documents(&json!([{"name": "z", "url": "http://z/mcp"}])).0[0]["id"],
            "z"
        );
        for (text, reason) in [
            ("{", "is no JSON"),
            ("3", "is neither"),
            ("{}", "has no servers"),
            ("{\"servers\": 3}", "has no servers"),
        ] {
            let error = read(text.as_bytes()).unwrap_err();
            assert!(error.starts_with(reason), "{text}: {error}");
        }
    }
}
