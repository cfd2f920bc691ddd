//! Upstreams whose replicas are found one by one, by host and port; the configuration says what else there is to say of them.

use mcp_common::{
    definition::{
        UpstreamDefinition,
        upstream::{MOST_ENDPOINTS, UpstreamProtocol, same_place},
    },
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

/// Documents by the names of their upstreams, and notes.
pub(super) type Listed = (Vec<(String, Value)>, Vec<String>);

/// What all replicas have in common.
#[derive(Debug)]
pub(super) struct Template {
    scheme: String,
    path: String,
    protocol: UpstreamProtocol,
    /// The region whose replicas are to be preferred.
    region: Option<String>,
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
            protocol: match members.get("protocol").and_then(Value::as_str) {
                Some("http") => UpstreamProtocol::Http,
                _ => UpstreamProtocol::Mcp,
            },
            region: members
                .get("balance")
                .and_then(|balance| balance.get("prefer_region")?.as_str())
                .map(str::to_owned),
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
            // Which regions there are is found.
            region: self.region.clone(),
            ..Replica::default()
        };
        let document = self.document(id, vec![example]);
        let document = Document::take(document.to_string().into()).map_err(|problem| problem.to_string())?;
        let read = UpstreamDefinition::read(id, &document);
        read.map(drop).map_err(|problems| problems.to_string())
    }

    /// The upstream that these are. What cannot be an address is left out, and so are those beyond what an upstream has; the reasons are notes.
    pub(super) fn announced(&self, id: &str, replicas: Vec<Replica>, notes: &mut Vec<String>) -> Announced {
        let count = replicas.len();
        let usable = replicas.into_iter().filter(|replica| {
            let reason = replica.problem().map(str::to_owned).or_else(|| {
                let url = self.url(replica);
                let reason = self.protocol.check_endpoint(&url).err();
                reason.map(|reason| format!("the endpoint {url} {reason}"))
            });
            let is_usable = reason.is_none();
            notes.extend(reason.map(|reason| format!("{id}: {reason}, and is left out")));
            is_usable
        });
        let mut usable = self.in_order(usable.collect());
        if usable.len() > MOST_ENDPOINTS {
            notes.push(format!(
                "{id}: {} endpoints are there, of which {MOST_ENDPOINTS} are used",
                usable.len()
            ));
            let is_far = |replica: &Replica| self.region.is_some() && replica.region != self.region;
            usable.sort_by_key(|replica| (replica.priority, is_far(replica)));
            usable.truncate(MOST_ENDPOINTS);
        }
        if let Some(wanted) = self.region.as_ref().filter(|_| !self.is_met(&usable)) {
            notes.push(format!(
                "{id}: no endpoint is in the region `{wanted}` (balance.prefer_region)"
            ));
        }
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

    /// In an order of their own, so that answers in another order are the same upstream, and each once.
    fn in_order(&self, mut replicas: Vec<Replica>) -> Vec<Replica> {
        replicas.sort();
        let mut urls = BTreeSet::new();
        replicas.retain(|replica| urls.insert(same_place(&self.url(replica)).to_owned()));
        replicas
    }

    /// Whether somebody is in the region that is preferred, or none is.
    fn is_met(&self, replicas: &[Replica]) -> bool {
        let is_there = |replica: &Replica| replica.region == self.region;
        self.region.is_none() || replicas.iter().any(is_there)
    }

    fn document(&self, id: &str, replicas: Vec<Replica>) -> Value {
        let replicas = self.in_order(replicas);
        let is_met = self.is_met(&replicas);
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
        // A region that is empty for a while takes nobody away.
        let balance = document.get_mut("balance").and_then(Value::as_object_mut);
        if let Some(balance) = balance.filter(|_| !is_met) {
            balance.remove("prefer_region");
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
    fn a_region_is_preferred_where_somebody_is_there() {
        let template =
            template(&json!({"upstream": {"balance": {"prefer_region": "dc1", "algorithm": "random"}}}))
                .unwrap();
        let inside = |region: &str, port| Replica {
            region: Some(region.to_owned()),
            ..at("a.example", port)
        };
        let mut notes = Vec::new();
        let both = vec![inside("dc1", 1), inside("dc2", 2)];
        let found = template.announced("x", both, &mut notes).document.unwrap();
        assert_eq!(
            found["balance"],
            json!({"prefer_region": "dc1", "algorithm": "random"})
        );
        assert_eq!(notes, [""; 0]);
        for others in [vec![inside("dc2", 2)], vec![at("a.example", 3)]] {
            let found = template.announced("x", others, &mut notes).document.unwrap();
            assert_eq!(found["balance"], json!({"algorithm": "random"}));
            assert!(notes.pop().unwrap().contains("`dc1`"));
            usable(&found);
        }
    }

    /// It is an upstream.
    fn usable(document: &Value) {
        let document = Document::take(document.to_string().into()).unwrap();
        UpstreamDefinition::read("x", &document).unwrap();
    }

    #[test]
    fn one_endpoint_too_many_or_amiss_costs_itself_alone() {
        let simple = template(&json!({})).unwrap();
        let mut notes = Vec::new();
        let many = (1..=65).map(|port| at("a.example", port)).collect();
        let found = simple.announced("x", many, &mut notes).document.unwrap();
        assert_eq!(found["endpoints"].as_array().unwrap().len(), MOST_ENDPOINTS);
        assert_eq!(notes, ["x: 65 endpoints are there, of which 64 are used"]);
        usable(&found);

        let with_path = |path: &str| Replica {
            path: Some(path.to_owned()),
            ..at("a.example", 1)
        };
        notes.clear();
        let twice = vec![with_path("/x"), with_path("/x/"), with_path("/x//")];
        let found = simple.announced("x", twice, &mut notes).document.unwrap();
        assert_eq!(found["endpoints"], json!([{"url": "http://a.example:1/x"}]));

        let service = template(&json!({"upstream": {"protocol": "http"}})).unwrap();
        let queried = vec![with_path("/x?y=1"), with_path("/z")];
        let found = service.announced("x", queried, &mut notes).document.unwrap();
        assert_eq!(found["endpoints"], json!([{"url": "http://a.example:1/z"}]));
        assert!(
            notes.len() == 1 && notes[0].contains("a.example:1/x?y=1 must not have a query"),
            "{notes:?}"
        );
        let error = template(&json!({"upstream": {"protocol": "http"}, "path": "/x?y"})).unwrap_err();
        assert!(error.contains("must not have a query"), "{error}");
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
