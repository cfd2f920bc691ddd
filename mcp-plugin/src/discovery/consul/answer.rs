//! What Consul answers, as far as it is needed.

use crate::discovery::replicas::Replica;
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// More tags, or longer ones, no upstream has.
const MOST_TAGS: usize = 48;
const LONGEST_TAG: usize = 128;

/// Of `/v1/catalog/services`: all tags that any instance of a service has.
pub(super) type Services = BTreeMap<String, Option<Vec<String>>>;

/// Of `/v1/health/service/NAME`: one instance.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Instance {
    node: Node,
    service: Service,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Node {
    #[serde(default)]
    address: String,
    #[serde(default)]
    datacenter: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Service {
    #[serde(default, deserialize_with = "or_null")]
    tags: Vec<String>,
    #[serde(default)]
    address: String,
    #[serde(default)]
    port: u16,
    #[serde(default, deserialize_with = "or_null")]
    meta: BTreeMap<String, String>,
    #[serde(default, deserialize_with = "or_null")]
    weights: Weights,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Weights {
    passing: u32,
}

impl Default for Weights {
    fn default() -> Self {
        Self { passing: 1 }
    }
}

/// Go writes null for lists and tables that are empty.
fn or_null<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(input: D) -> Result<T, D::Error> {
    Ok(Option::deserialize(input)?.unwrap_or_default())
}

/// Those that can be read; the others are named by their nodes.
pub(super) fn instances(service: &str, answered: Vec<Value>, notes: &mut Vec<String>) -> Vec<Instance> {
    let read = answered.into_iter().filter_map(|one| {
        let node = one["Node"]["Node"].as_str().unwrap_or("?").to_owned();
        serde_json::from_value(one)
            .map_err(|error| {
                notes.push(format!(
                    "{service}: the instance of node `{node}` is left out: {error}"
                ))
            })
            .ok()
    });
    read.collect()
}

/// Those of all instances, as far as they can be tags of an upstream.
pub(super) fn tags(instances: &[Instance]) -> BTreeSet<String> {
    let all = instances.iter().flat_map(|instance| &instance.service.tags);
    let usable = all.filter(|tag| (1..=LONGEST_TAG).contains(&tag.len()));
    usable
        .cloned()
        .collect::<BTreeSet<_>>()
        .into_iter()
        .take(MOST_TAGS)
        .collect()
}

impl From<Instance> for Replica {
    fn from(Instance { node, mut service }: Instance) -> Self {
        let said = |text: String| Some(text).filter(|text| !text.is_empty());
        Self {
            priority: 0,
            host: said(service.address).unwrap_or(node.address),
            port: service.port,
            weight: service.weights.passing,
            region: said(node.datacenter),
            scheme: service.meta.remove("mcp_scheme"),
            path: service.meta.remove("mcp_path"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_instance_that_cannot_be_read_costs_itself_alone() {
        let one =
            |port: i64| json!({"Node": {"Node": "n1", "Address": "10.0.0.7"}, "Service": {"Port": port}});
        let mut notes = Vec::new();
        let answered = vec![
            one(80),
            one(70_000),
            one(-1),
            json!({"Node": {"Node": "n2"}}),
            json!(3),
        ];
        let read = instances("weather", answered, &mut notes);
        let ports: Vec<u16> = read.into_iter().map(|one| Replica::from(one).port).collect();
        assert_eq!(ports, [80]);
        assert_eq!(notes.len(), 4, "{notes:?}");
        assert!(
            notes[0].starts_with("weather: the instance of node `n1` is left out: ")
                && notes[0].contains("70000")
        );
    }
}
