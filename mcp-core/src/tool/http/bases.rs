//! The HTTP services that tools name (`tds_ext_info.upstream`), by their ids. Tools refer to them and do not hold them: a service that changes is
//! another one with the next call, and no tool is compiled again.

use super::Base;
use crate::fleet::{EndpointStatus, Fleets, Probes, QueueStatus};
use arc_swap::ArcSwap;
use mcp_common::{
    definition::{UpstreamDefinition, upstream::UpstreamProtocol},
    events::Events,
};
use serde_json::json;
use std::{
    collections::HashMap,
    fmt,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

/// All of them. Clones are the same.
#[derive(Clone, Default)]
pub struct Bases(Arc<Shared>);

#[derive(Default)]
struct Shared {
    by_id: ArcSwap<HashMap<Arc<str>, Arc<Base>>>,
    /// Grows with each definition that came, changed or went; 0 before the first time.
    epoch: AtomicU64,
    fleets: Fleets,
    events: Events,
    /// Held while definitions change.
    changing: Mutex<()>,
}

impl Bases {
    /// Tells there of services and their endpoints, and has these probes.
    pub fn telling(events: Events, probes: Probes) -> Self {
        Self(Arc::new(Shared {
            fleets: Fleets::telling(events.clone(), probes),
            events,
            ..Shared::default()
        }))
    }

    /// Takes over what is defined now; upstreams of other kinds, and those that are switched off, are none.
    pub fn define(&self, definitions: impl Iterator<Item = Arc<UpstreamDefinition>>) {
        let _changing = self.0.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let before = self.0.by_id.load_full();
        let mut after = HashMap::new();
        let services = definitions
            .filter(|definition| definition.protocol == UpstreamProtocol::Http && definition.enabled);
        for definition in services {
            let id = definition.id.clone();
            let known = before.get(&id);
            if let Some(known) = known.filter(|known| Arc::ptr_eq(&known.definition, &definition)) {
                after.insert(id, known.clone());
                continue;
            }
            match Base::compile(&definition, &self.0.fleets) {
                Ok(base) => drop(after.insert(id, Arc::new(base))),
                // What is stored was checked.
                Err(problems) => {
                    tracing::error!(upstream = &*id, %problems, "the upstream compiles no more, what it was before is used");
                    after.extend(known.map(|known| (id, known.clone())));
                }
            }
        }
        let tell = |kind, (id, base): (&Arc<str>, &Arc<Base>)| {
            let members = json!({"upstream": id, "kind": "http", "origin": base.definition.origin});
            self.0.events.tell(kind, members);
        };
        let (new, gone) = (
            after.iter().filter(|(id, _)| !before.contains_key(*id)),
            before.iter().filter(|(id, _)| !after.contains_key(*id)),
        );
        new.for_each(|entry| tell("upstream.discovered", entry));
        gone.for_each(|entry| tell("upstream.removed", entry));
        self.0.by_id.store(Arc::new(after));
        self.0.epoch.fetch_add(1, Ordering::AcqRel);
    }

    /// Whether there is a service of this id.
    pub fn has(&self, id: &str) -> bool {
        self.0.by_id.load().contains_key(id)
    }

    /// The same, and also where nobody has said yet which services there are.
    pub(crate) fn may_have(&self, id: &str) -> bool {
        self.epoch() == 0 || self.has(id)
    }

    /// A number that is another one after each change; 0 before it is known which services there are.
    pub fn epoch(&self) -> u64 {
        self.0.epoch.load(Ordering::Acquire)
    }

    /// The ids of all services, in order.
    pub fn ids(&self) -> Vec<Arc<str>> {
        let mut ids: Vec<_> = self.0.by_id.load().keys().cloned().collect();
        ids.sort_unstable();
        ids
    }

    /// The definition of a service.
    pub fn definition(&self, id: &str) -> Option<Arc<UpstreamDefinition>> {
        Some(self.find(id)?.definition.clone())
    }

    /// How the endpoints of a service are doing.
    pub fn status(&self, id: &str) -> Option<Vec<EndpointStatus>> {
        Some(self.find(id)?.fleet.status())
    }

    /// How many calls wait for a service.
    pub fn queue(&self, id: &str) -> Option<QueueStatus> {
        Some(self.find(id)?.fleet.queue())
    }

    pub(crate) fn find(&self, id: &str) -> Option<Arc<Base>> {
        self.0.by_id.load().get(id).cloned()
    }
}

impl fmt::Debug for Bases {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.by_id.load().keys()).finish()
    }
}
