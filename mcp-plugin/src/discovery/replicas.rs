//! Upstreams whose replicas are found one by one, by host and port; the configuration says what else there is to say of them.

use mcp_common::{
    definition::UpstreamDefinition,
    discovery::Announced,
    document::Document,
    plugin::{PluginError, Table},
};
use serde_json::{Map, Value, json};
use std::{collections::BTreeSet, net::IpAddr};

/// What a table says of the upstreams that are found.
pub(super) const SETTINGS: [&str; 3] = ["scheme", "path", "upstream"];
/// What replicas themselves say.
const FOUND: [&str; 5] = ["id", "url", "endpoints", "command", "transport"];
/// The highest weight of an endpoint.
const MOST_WEIGHT: u32 = 10_000;

/// What all replicas have in common.
#[derive(Debug)]
pub(super) struct Template {
    scheme: String,
    path: String,
    members: Map<String, Value>,
}

/// One of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Replica {
    /// Its tier.
    pub(super) priority: u32,
    /// A name or an address.
    pub(super) host: String,
    pub(super) port: u16,
    /// What it takes beside the others; 0 is next to nothing.
    pub(super) weight: u32,
    pub(super) region: Option<String>,
    /// Its own instead of the template's.
    pub(super) scheme: Option<String>,
    pub(super) path: Option<String>,
}

impl Template {
    pub(super) fn read(table: &Table<'_>) -> Result<Self, PluginError> {
        let scheme = table.text("scheme")?.unwrap_or("http");
        if !is_scheme(scheme) {
            return Err(table.wrong("scheme", "expected \"http\" or \"https\""));
        }
        let path = table.text("path")?.unwrap_or("/mcp");
        if !is_path(path) {
            return Err(table.wrong("path", "must begin with / and have no spaces and no `#`"));
        }
        let members = match table.get("upstream") {
            None => Map::new(),
            Some(Value::Object(members)) => members.clone(),
            Some(_) => return Err(table.wrong("upstream", "expected a table of members of an upstream")),
        };
        if let Some(found) = FOUND.iter().find(|name| members.contains_key(**name)) {
            return Err(table.wrong(
                "upstream",
                format!("must not have `{found}`: that is what is looked for"),
            ));
        }
        let template = Self {
            scheme: scheme.to_owned(),
            path: path.to_owned(),
            members,
        };
        template
            .check("x")
            .map_err(|reason| table.wrong("upstream", reason))?;
        Ok(template)
    }

    /// What no upstream of this id could be, whatever is found, is the table's mistake.
    pub(super) fn check(&self, id: &str) -> Result<(), String> {
        let example = Replica {
            host: "replica.example".to_owned(),
            port: 80,
            ..Replica::default()
        };
        let document = self.document(id, vec![example]);
        let document = Document::take(document.to_string().into()).map_err(|problem| problem.to_string())?;
        let read = UpstreamDefinition::read(id, &document);
        read.map(drop).map_err(|problems| problems.to_string())
    }

    /// The upstream that these are. What cannot be an address is left out, and its reason is a note.
    pub(super) fn announced(&self, id: &str, replicas: Vec<Replica>, notes: &mut Vec<String>) -> Announced {
        let count = replicas.len();
        let usable: Vec<Replica> = replicas
            .into_iter()
            .filter(|replica| {
                let reason = replica.problem();
                notes.extend(reason.map(|reason| format!("{id}: {reason}, and is left out")));
                reason.is_none()
            })
            .collect();
        Announced {
            document: match usable.is_empty() {
                true => Err(format!(
                    "none of its {count} endpoints has an address that can be called"
                )),
                false => Ok(self.document(id, usable)),
            },
            id: id.to_owned(),
        }
    }

    /// In an order of its own, so that answers in another order are the same upstream.
    fn document(&self, id: &str, mut replicas: Vec<Replica>) -> Value {
        replicas.sort();
        let mut urls = BTreeSet::new();
        replicas.retain(|replica| urls.insert(self.url(replica)));
        let most = replicas.iter().map(|replica| replica.weight).max().unwrap_or(0);
        let endpoints: Vec<Value> = replicas
            .iter()
            .map(|replica| {
                let mut endpoint = json!({"url": self.url(replica)});
                if most > 0 {
                    endpoint["weight"] = weight(replica.weight, most).into();
                }
                if replica.priority > 0 {
                    endpoint["priority"] = replica.priority.into();
                }
                if let Some(region) = &replica.region {
                    endpoint["region"] = region.clone().into();
                }
                endpoint
            })
            .collect();
        let mut document = json!({"id": id, "endpoints": endpoints});
        if let Some(own) = document.as_object_mut() {
            own.extend(self.members.clone());
        }
        document
    }

    fn url(&self, replica: &Replica) -> String {
        let host = match replica.host.parse() {
            Ok(IpAddr::V6(address)) => format!("[{address}]"),
            _ => replica.host.clone(),
        };
        let scheme = replica.scheme.as_ref().unwrap_or(&self.scheme);
        let path = replica.path.as_ref().unwrap_or(&self.path);
        format!("{scheme}://{host}:{}{path}", replica.port)
    }
}

impl Replica {
    /// What is found is a stranger's word: nothing of it may become another part of a URL.
    fn problem(&self) -> Option<&'static str> {
        let is_part = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'_' | b'.');
        let is_name = !self.host.is_empty() && self.host.bytes().all(is_part);
        if !is_name && self.host.parse::<IpAddr>().is_err() {
            return Some("an endpoint has a host that is neither a name nor an address");
        }
        if self.port == 0 {
            return Some("an endpoint has no port");
        }
        if self.scheme.as_deref().is_some_and(|scheme| !is_scheme(scheme)) {
            return Some("an endpoint has a scheme that is neither http nor https");
        }
        if self.path.as_deref().is_some_and(|path| !is_path(path)) {
            return Some("an endpoint has a path that cannot be one");
        }
        None
    }
}

fn is_scheme(scheme: &str) -> bool {
    matches!(scheme, "http" | "https")
}

fn is_path(path: &str) -> bool {
    path.starts_with('/') && path.bytes().all(|c| c.is_ascii_graphic() && c != b'#')
}

/// In the same proportions as others have them, as far as there are so many.
fn weight(own: u32, most: u32) -> u32 {
    match most > MOST_WEIGHT {
        true => {
            u32::try_from(u64::from(own) * u64::from(MOST_WEIGHT) / u64::from(most)).unwrap_or(MOST_WEIGHT)
        }
        false => own,
    }
    .max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn template(settings: &Value) -> Result<Template, String> {
        let table = Table::new("discovery[0]", settings, &SETTINGS).unwrap();
        Template::read(&table).map_err(|error| error.to_string())
    }

    fn at(host: &str, port: u16) -> Replica {
        Replica {
            host: host.to_owned(),
            port,
            ..Replica::default()
        }
    }

    #[test]
    fn replicas_become_endpoints_in_one_order() {
        let template = template(
            &json!({"scheme": "https", "path": "/v1", "upstream": {"protocol": "http", "tags": ["a"]}}),
        )
        .unwrap();
        let heavy = Replica {
            weight: 20_000,
            priority: 1,
            ..at("b.example", 1)
        };
        let light = Replica {
            weight: 0,
            region: Some("eu".to_owned()),
            scheme: Some("http".to_owned()),
            path: Some("/own".to_owned()),
            ..at("2001:db8::1", 2)
        };
        let document = template.document("x", vec![heavy.clone(), light.clone(), light.clone()]);
        assert_eq!(
            document,
            json!({"id": "x", "protocol": "http", "tags": ["a"], "endpoints": [
                {"url": "http://[2001:db8::1]:2/own", "weight": 1, "region": "eu"},
                {"url": "https://b.example:1/v1", "weight": 10_000, "priority": 1},
            ]})
        );
        assert_eq!(document, template.document("x", vec![light, heavy]));
        let plain = template.document("x", vec![at("a", 1)]);
        assert_eq!(
            plain["endpoints"],
            json!([{"url": "https://a:1/v1"}]),
            "nobody said weights"
        );
    }

    #[test]
    fn what_strangers_say_stays_a_host() {
        let template = template(&json!({})).unwrap();
        let mut notes = Vec::new();
        let hostile = ["", "a/b", "user@a", "a b", "a#b", "a?b", "a%2f", "ä.example"];
        let mut replicas: Vec<Replica> = hostile.iter().map(|host| at(host, 80)).collect();
        replicas.push(at("a.example", 0));
        let none = template.announced("x", replicas.clone(), &mut notes);
        assert!(none.document.unwrap_err().starts_with("none of its 9 endpoints"));
        assert_eq!(notes.len(), 9);
        replicas.push(at("good.example", 80));
        let one = template.announced("x", replicas, &mut notes);
        assert_eq!(
            one.document.unwrap()["endpoints"],
            json!([{"url": "http://good.example:80/mcp"}])
        );
    }

    #[test]
    fn what_no_upstream_can_have_is_said_before_anything_is_found() {
        for (settings, expected) in [
            (json!({"scheme": "ftp"}), "discovery[0].scheme: expected \"http\""),
            (json!({"path": "mcp"}), "discovery[0].path: must begin with /"),
            (json!({"upstream": 3}), "discovery[0].upstream: expected a table"),
            (
                json!({"upstream": {"endpoints": []}}),
                "discovery[0].upstream: must not have `endpoints`",
            ),
            (
                json!({"upstream": {"balance": {"algorithm": "best"}}}),
                "discovery[0].upstream: balance.algorithm: ",
            ),
        ] {
            let error = template(&settings).unwrap_err();
            assert!(error.starts_with(expected), "{error}");
        }
    }
}
