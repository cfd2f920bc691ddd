//! What Consul answers, as far as it is needed.

use crate::discovery::replicas::Replica;
use serde::{Deserialize, Deserializer};
use std::collections::{BTreeMap, BTreeSet};

/// More tags, or longer ones, no upstream has.
const MOST_TAGS: usize = 48;
const LONGEST_TAG: usize = 128;

/// Of `/v1/catalog/services`: all tags that any instance of a service has.
pub(super) type Services = BTreeMap<String, Vec<String>>;

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
