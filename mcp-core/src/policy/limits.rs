//! How many calls may be made: by the holders of keys and tokens, as their keys and roles say, and by all callers together, as tools, upstreams,
//! instances and the configuration say. Each replica counts for itself, unless there is somebody who counts for all of them.

mod counted;
mod holder;
mod metrics;
mod names;
mod one_call;
#[cfg(test)]
mod tests;

use super::{Action, Asked, Gate, Hold, Refusal, SharedLimits, Waiting};
use crate::spec::Method;
use arc_swap::ArcSwapOption;
use counted::Refused;
use holder::Holder;
use mcp_common::{
    authenticator::{CommonLimits, Grant, PlacedLimits, Principal},
    definition::CallLimits,
};
pub use metrics::LimitMetrics;
use moka::{ops::compute::Op, policy::EvictionPolicy, sync::Cache};
use one_call::OneCall;
use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, SystemTime},
};

/// Holders of tokens, and things with limits, that are remembered; a day is over before one is forgotten of which there are no calls.
const MOST: u64 = 100_000;
const IDLE: Duration = Duration::from_secs(25 * 60 * 60);

/// What is counted of everything that has limits.
pub struct CountedCalls {
    /// By id. They go when the key does.
    keys: RwLock<HashMap<Arc<str>, Arc<Holder>>>,
    /// Whoever comes with a token, by name.
    others: Cache<Arc<str>, Arc<Holder>>,
    /// Tools, upstreams and instances, by the names of their limits.
    common: Cache<Arc<str>, Arc<Holder>>,
    gateway: ArcSwapOption<Holder>,
    /// Counts for all replicas.
    shared: Option<Arc<SharedLimits>>,
    /// Which limits refuse calls.
    metrics: LimitMetrics,
}

impl Default for CountedCalls {
    fn default() -> Self {
        Self::remembering(MOST)
    }
}

impl CountedCalls {
    /// Has calls counted together with those of other replicas.
    pub fn shared(self, shared: Option<Arc<SharedLimits>>) -> Self {
        Self { shared, ..self }
    }

    /// Counts there which limits refuse calls.
    pub fn telling(self, metrics: LimitMetrics) -> Self {
        Self { metrics, ..self }
    }

    /// So many holders of tokens. Whoever called last is remembered: a cache that prefers those who call often would forget a new one at once, and with
    /// him what he has called.
    fn remembering(most: u64) -> Self {
        let cache = || {
            Cache::builder()
                .max_capacity(most)
                .eviction_policy(EvictionPolicy::lru())
                .time_to_idle(IDLE)
                .build()
        };
        Self {
            keys: RwLock::default(),
            others: cache(),
            common: cache(),
            gateway: ArcSwapOption::empty(),
            shared: None,
            metrics: LimitMetrics::default(),
        }
    }

    /// Has the whole gateway make so many calls, from the next one on. What stays as it was goes on counting where it was.
    pub fn limit_gateway(&self, limits: CallLimits) {
        let before = self.gateway.load_full();
        let after = CommonLimits::of_gateway(limits).map(|common| match &before {
            Some(before) if before.has(&common.limits) => before.clone(),
            before => Holder::of_common(&common, before.as_deref()),
        });
        self.gateway.store(after);
    }

    /// What the whole gateway may do, where that is limited.
    pub fn of_gateway(&self) -> Option<PlacedLimits> {
        self.gateway.load().as_ref()?.limits.first().cloned()
    }

    /// Forgets keys and roles that are not there any more.
    pub fn keep(&self, is_key_there: impl Fn(&str) -> bool, is_role_there: impl Fn(&str) -> bool) {
        let mut keys = self.keys.write().unwrap_or_else(PoisonError::into_inner);
        keys.retain(|key, _| is_key_there(key));
        drop(keys);
        self.metrics.keep(is_key_there, is_role_there);
    }

    /// The refusal, counted.
    fn counted(&self, refused: Refused, caller: &Principal) -> Refusal {
        let key = caller.grant.as_ref().and_then(|grant| grant.key());
        self.metrics.refused(&refused, key.map(|key| &**key));
        refused.refusal
    }

    /// What the call counts for, the caller's own first: what these refuse uses up nothing that all share. `None` where nothing limits it.
    fn of<'a>(&self, asked: &Asked<'a>) -> Option<OneCall<'a>> {
        let Action::Mcp { method, target, .. } = asked.action else {
            return None;
        };
        if !is_call(method) {
            return None;
        }
        let grant = asked.principal.grant.as_deref();
        let grant = grant.filter(|grant| !grant.limits().is_empty());
        let own = grant.map(|grant| self.of_caller(asked.principal, grant));
        let common = asked.common.iter().map(|common| self.of_common(common));
        let holders: Vec<_> = own
            .into_iter()
            .chain(common)
            .chain(self.gateway.load_full())
            .collect();
        let tool = target.filter(|_| method == Method::ToolsCall);
        (!holders.is_empty()).then_some(OneCall { holders, tool })
    }

    fn of_caller(&self, principal: &Principal, grant: &Grant) -> Arc<Holder> {
        match grant.key() {
            Some(key) => self.of_key(key, grant.limits()),
            None => self.of_other(&principal.subject, grant.limits()),
        }
    }

    /// What is counted of the key; anew where its limits are others.
    fn of_key(&self, key: &Arc<str>, limits: &Arc<[PlacedLimits]>) -> Arc<Holder> {
        let known = self
            .keys
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(key)
            .cloned();
        if let Some(known) = known.filter(|known| known.has(limits)) {
            return known;
        }
        let mut keys = self.keys.write().unwrap_or_else(PoisonError::into_inner);
        let new = |before: Option<&Holder>| Holder::new(names::of_key(key), limits.clone(), before);
        let holder = keys.entry(key.clone()).or_insert_with(|| new(None));
        if !holder.has(limits) {
            *holder = new(Some(holder));
        }
        holder.clone()
    }

    fn of_other(&self, name: &Arc<str>, limits: &Arc<[PlacedLimits]>) -> Arc<Holder> {
        remembered(&self.others, name, limits, |before| {
            Holder::new(names::of_person(name), limits.clone(), before)
        })
    }

    fn of_common(&self, common: &CommonLimits) -> Arc<Holder> {
        remembered(&self.common, &common.name, &common.limits, |before| {
            Holder::of_common(common, before)
        })
    }
}

/// What is counted under this name; anew where its limits are others.
fn remembered(
    cache: &Cache<Arc<str>, Arc<Holder>>,
    name: &Arc<str>,
    limits: &Arc<[PlacedLimits]>,
    new: impl Fn(Option<&Holder>) -> Arc<Holder>,
) -> Arc<Holder> {
    if let Some(known) = cache.get(name).filter(|known| known.has(limits)) {
        return known;
    }
    let changed =
        cache
            .entry(name.clone())
            .and_compute_with(|known| match known.map(moka::Entry::into_value) {
                Some(known) if known.has(limits) => Op::Nop,
                known => Op::Put(new(known.as_deref())),
            });
    let known = changed.into_entry().map(moka::Entry::into_value);
    known.unwrap_or_else(|| new(None))
}

impl Gate for CountedCalls {
    fn admit(&self, asked: &Asked<'_>) -> Result<Option<Hold>, Refusal> {
        let Some(call) = self.of(asked) else {
            return Ok(None);
        };
        let taken = call.take(SystemTime::now());
        taken.map_err(|refused| self.counted(refused, asked.principal))
    }

    fn admit_waiting<'a>(&'a self, asked: &'a Asked<'_>) -> Option<Waiting<'a>> {
        let shared = self.shared.as_ref()?;
        let call = self.of(asked)?;
        if !shared.is_there() {
            shared.counted_alone();
            return None;
        }
        Some(Box::pin(async move {
            let taken = call.take_together(shared, SystemTime::now()).await;
            taken.map_err(|refused| self.counted(refused, asked.principal))
        }))
    }
}

/// What makes work; lists are there already, and streams are bounded for each client.
fn is_call(method: Method) -> bool {
    matches!(
        method,
        Method::ToolsCall | Method::ResourcesRead | Method::PromptsGet | Method::CompletionComplete
    )
}
