//! Upstreams as inventories: which of their tools an instance shows, under which names, and who answers a call of one.

use super::{Inventories, Item, Offer};
use crate::{
    relay::{Answer, Forwarded, Line, Origin, Trouble},
    spec::Method,
    tool::StoredTool,
    upstream::{Hub, OfferedTool, RemoteCall, UpstreamError},
};
use futures_util::future::BoxFuture;
use mcp_common::{catalog::InstanceEntry, definition::InstanceDefinition};
use serde_json::value::RawValue;
use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

/// The JSON-RPC error of parameters that do not fit: the client's own matter, whoever found it out.
const INVALID_PARAMS: i64 = -32602;

/// What upstreams offer.
pub struct UpstreamInventories(pub Arc<Hub>);

impl Inventories for UpstreamInventories {
    fn offer(&self, instance: &InstanceEntry<StoredTool>) -> Offer {
        let items = chosen(&instance.definition, &self.0)
            .into_iter()
            .map(|chosen| Item {
                entry: chosen
                    .offered
                    .listing(&chosen.name, chosen.description.as_deref())
                    .into(),
                legacy_entry: None,
                key: chosen.name,
                origin: Arc::new(RemoteTool {
                    hub: self.0.clone(),
                    offered: chosen.offered,
                }),
            });
        Offer {
            tools: items.collect(),
            ..Offer::default()
        }
    }

    fn epoch(&self, instance: &InstanceEntry<StoredTool>) -> u64 {
        match instance.definition.has_upstreams() {
            true => self.0.epoch(),
            false => 0,
        }
    }
}

/// A tool of an upstream under the name that it has in an instance.
struct Chosen {
    name: Arc<str>,
    description: Option<Arc<str>>,
    offered: OfferedTool,
}

/// Those that `tool_ids` names, then those of `include.upstreams`. Whoever comes first has a name; the others are reported, and
/// neither listed nor called.
fn chosen(definition: &InstanceDefinition, hub: &Hub) -> Vec<Chosen> {
    let excluded = definition.exclude.iter().flat_map(|exclude| &exclude.tool_ids);
    let excluded: HashSet<&str> = excluded.map(|id| &**id).collect();
    let named = definition.tool_ids.iter().filter_map(|reference| {
        let (upstream, tool) = reference.remote()?;
        let offered = hub.offer(upstream)?.tool(tool)?;
        Some(Chosen {
            name: reference.name.clone().unwrap_or_else(|| offered.name.clone()),
            description: reference.description.clone(),
            offered,
        })
    });
    let mut all: Vec<Chosen> = named.collect();
    let listed: HashSet<String> = all.iter().map(|chosen| chosen.offered.id()).collect();
    let included = definition.include.iter().flat_map(|include| &include.upstreams);
    let mut offers: Vec<_> = included.filter_map(|id| hub.offer(id)).collect();
    offers.sort_by_key(|offer| (offer.definition.priority, offer.definition.id.clone()));
    offers.dedup_by_key(|offer| offer.definition.id.clone());
    let whole = offers.iter().flat_map(|offer| offer.tools());
    all.extend(
        whole
            .filter(|offered| !listed.contains(&offered.id()))
            .map(|offered| Chosen {
                name: offered.name.clone(),
                description: None,
                offered,
            }),
    );
    let mut owners: HashMap<Arc<str>, String> = HashMap::new();
    all.retain(|chosen| {
        let id = chosen.offered.id();
        if excluded.contains(&*id) {
            return false;
        }
        let Some(owner) = owners.get(&chosen.name) else {
            owners.insert(chosen.name.clone(), id);
            return true;
        };
        let (instance, name) = (&*definition.id, &*chosen.name);
        tracing::warn!(
            instance,
            name,
            owner,
            tool = id,
            "two tools of upstreams would have one name, and the first keeps it: give one of the upstreams a `tools.prefix`, or one of the tools another name"
        );
        false
    });
    all
}

/// Sends calls of one tool to its server.
struct RemoteTool {
    hub: Arc<Hub>,
    offered: OfferedTool,
}

impl Origin for RemoteTool {
    fn answer(
        self: Arc<Self>,
        request: Forwarded,
        line: Line,
    ) -> BoxFuture<'static, Result<Answer, Trouble>> {
        Box::pin(async move { self.call(request, line).await })
    }
}

impl RemoteTool {
    async fn call(&self, request: Forwarded, line: Line) -> Result<Answer, Trouble> {
        let upstream = &self.offered.upstream;
        if request.method != Method::ToolsCall {
            return Err(Trouble::Failed(format!(
                "The upstream `{upstream}` offers a tool of this name, and nothing else."
            )));
        }
        let call = RemoteCall {
            tool: self.offered.tool.clone(),
            params: request.params.get().into(),
            via: request.via,
            line: Some(line),
        };
        let result = self.hub.call(upstream, call).await.map_err(|error| match error {
            UpstreamError::Rpc(error) if error.code == INVALID_PARAMS => Trouble::Invalid(error.message),
            error => Trouble::Failed(format!("The upstream `{upstream}` did not do it: {error}.")),
        })?;
        let unfit = |error: serde_json::Error| {
            Trouble::Failed(format!(
                "The upstream `{upstream}` answered with what is no result: {error}."
            ))
        };
        let raw: &RawValue = serde_json::from_slice(&result).map_err(unfit)?;
        Answer::read(raw).map_err(unfit)
    }
}
