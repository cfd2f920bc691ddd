//! How many calls the holders of keys and tokens may make, by their keys and by their roles. Each replica counts for itself, unless
//! there is somebody who counts for all of them.

mod counted;
mod metrics;
mod names;
#[cfg(test)]
mod tests;

use super::{Action, Asked, Gate, Held, Hold, Refusal, SharedLimits, Standing, Waiting, shared::Lease};
use crate::spec::Method;
use counted::{Counted, Place, Refused};
use mcp_common::{
    authenticator::{Grant, PlacedLimits, Principal},
    tally::Count,
};
pub use metrics::LimitMetrics;
use moka::{ops::compute::Op, policy::EvictionPolicy, sync::Cache};
use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, SystemTime},
};

/// Holders of tokens that are remembered; a day is over before one is forgotten who makes no calls.
const MOST: u64 = 100_000;
const IDLE: Duration = Duration::from_secs(25 * 60 * 60);

/// What is counted of all who have limits.
pub struct CountedKeys {
    /// By id. They go when the key does.
    keys: RwLock<HashMap<Arc<str>, Arc<Holder>>>,
    /// Whoever comes with a token, by name.
    others: Cache<Arc<str>, Arc<Holder>>,
    /// Counts for all replicas.
    shared: Option<Arc<SharedLimits>>,
    /// Which limits refuse calls.
    metrics: LimitMetrics,
}

/// Somebody whose calls are counted.
struct Holder {
    limits: Arc<[PlacedLimits]>,
    counted: Box<[Arc<Counted>]>,
}

/// What a call that was let in has of its limits.
struct OfCall {
    standing: Option<Standing>,
    /// Given back when it is over.
    _places: Vec<Place>,
    _lease: Option<Lease>,
}

impl Default for CountedKeys {
    fn default() -> Self {
        Self::remembering(MOST)
    }
}

impl CountedKeys {
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
        Self {
            keys: RwLock::default(),
            others: Cache::builder()
                .max_capacity(most)
                .eviction_policy(EvictionPolicy::lru())
                .time_to_idle(IDLE)
                .build(),
            shared: None,
            metrics: LimitMetrics::default(),
        }
    }

    /// Forgets keys and roles that are not there any more.
    pub fn keep(&self, is_key_there: impl Fn(&str) -> bool, is_role_there: impl Fn(&str) -> bool) {
        let mut keys = self.keys.write().unwrap_or_else(PoisonError::into_inner);
        keys.retain(|key, _| is_key_there(key));
        drop(keys);
        self.metrics.keep(is_key_there, is_role_there);
    }

    /// The refusal, counted.
    fn counted(&self, refused: Refused, grant: &Grant) -> Refusal {
        let key = grant.key().map(|key| &**key);
        self.metrics.refused(refused.limit, &refused.place, key);
        refused.refusal
    }

    fn of(&self, principal: &Principal, grant: &Grant) -> Arc<Holder> {
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
        let holder = keys
            .entry(key.clone())
            .or_insert_with(|| Holder::new(limits.clone(), None));
        if !holder.has(limits) {
            *holder = Holder::new(limits.clone(), Some(holder));
        }
        holder.clone()
    }

    fn of_other(&self, name: &Arc<str>, limits: &Arc<[PlacedLimits]>) -> Arc<Holder> {
        if let Some(known) = self.others.get(name).filter(|known| known.has(limits)) {
            return known;
        }
        let changed = self.others.entry(name.clone()).and_compute_with(|known| {
            match known.map(moka::Entry::into_value) {
                Some(known) if known.has(limits) => Op::Nop,
                known => Op::Put(Holder::new(limits.clone(), known.as_deref())),
            }
        });
        let known = changed.into_entry().map(moka::Entry::into_value);
        known.unwrap_or_else(|| Holder::new(limits.clone(), None))
    }
}

impl Gate for CountedKeys {
    fn admit(&self, asked: &Asked<'_>) -> Result<Option<Hold>, Refusal> {
        let Some((grant, tool)) = limited(asked) else {
            return Ok(None);
        };
        let taken = self.of(asked.principal, grant).take(tool, SystemTime::now());
        taken.map_err(|refused| self.counted(refused, grant))
    }

    fn admit_waiting<'a>(&'a self, asked: &'a Asked<'_>) -> Option<Waiting<'a>> {
        let shared = self.shared.as_ref()?;
        let (grant, tool) = limited(asked)?;
        if !shared.is_there() {
            shared.counted_alone();
            return None;
        }
        let holder = self.of(asked.principal, grant);
        let name = names::of_holder(asked.principal, grant);
        Some(Box::pin(async move {
            let taken = holder.take_together(shared, &name, tool, SystemTime::now()).await;
            taken.map_err(|refused| self.counted(refused, grant))
        }))
    }
}

/// What limits calls of somebody, and the tool that is called, where anything does.
fn limited<'a>(asked: &Asked<'a>) -> Option<(&'a Grant, Option<&'a str>)> {
    let Action::Mcp { method, target, .. } = asked.action else {
        return None;
    };
    let grant = asked.principal.grant.as_deref().filter(|_| is_call(method));
    let grant = grant.filter(|grant| !grant.limits().is_empty())?;
    Some((grant, target.filter(|_| method == Method::ToolsCall)))
}

/// What makes work; lists are there already, and streams are bounded for each client.
fn is_call(method: Method) -> bool {
    matches!(
        method,
        Method::ToolsCall | Method::ResourcesRead | Method::PromptsGet | Method::CompletionComplete
    )
}

impl Holder {
    /// What stays as it was goes on.
    fn new(limits: Arc<[PlacedLimits]>, before: Option<&Self>) -> Arc<Self> {
        let counted = limits.iter().map(|placed| {
            let mut same = before.iter().flat_map(|before| &*before.counted);
            match same.find(|counted| counted.placed == *placed) {
                Some(counted) => counted.clone(),
                None => Arc::new(Counted::new(placed.clone())),
            }
        });
        let counted = counted.collect();
        Arc::new(Self { limits, counted })
    }

    fn has(&self, limits: &Arc<[PlacedLimits]>) -> bool {
        Arc::ptr_eq(&self.limits, limits) || self.limits == *limits
    }

    /// What is the cheapest to give back comes first: a call that is refused is not counted. Only where several rates hold, the tighter
    /// one may have counted what a wider one refuses.
    fn take(&self, tool: Option<&str>, now: SystemTime) -> Result<Option<Hold>, Refused> {
        let all = || self.counted.iter().filter(|counted| counted.is_about(tool));
        let places = self.places(tool)?;
        let mut standing = Standing::default();
        for (index, counted) in all().enumerate() {
            if let Err(refused) = counted.count_today(now, &mut standing) {
                all().take(index).for_each(|counted| counted.uncount_today());
                return Err(refused);
            }
        }
        for counted in all() {
            if let Err(refused) = counted.check_rate(&mut standing) {
                all().for_each(|counted| counted.uncount_today());
                return Err(refused);
            }
        }
        Ok(OfCall::hold(places, None, standing))
    }

    /// The same for all replicas together; where they cannot be asked, it is this one alone that counts.
    async fn take_together(
        &self,
        shared: &Arc<SharedLimits>,
        name: &Arc<str>,
        tool: Option<&str>,
        now: SystemTime,
    ) -> Result<Option<Hold>, Refused> {
        let all = || self.counted.iter().filter(|counted| counted.is_about(tool));
        if let Some(refused) = all().find_map(|counted| counted.known_refusal()) {
            shared.refused_by_memory();
            return Err(refused);
        }
        // Where this replica alone has as many calls under way, nobody need be asked.
        let places = self.places(tool)?;
        let parts: Vec<_> = all()
            .flat_map(|counted| {
                counted
                    .together()
                    .map(move |(part, count)| (counted, part, count))
            })
            .collect();
        let counts: Vec<&Count> = parts.iter().map(|(.., count)| *count).collect();
        if counts.is_empty() {
            return Ok(None);
        }
        let Some(taken) = shared.take(name, &counts).await else {
            drop(places);
            return self.take(tool, now);
        };
        match taken {
            Ok((left, lease)) => {
                let mut standing = Standing::default();
                for ((counted, part, _), left) in parts.iter().zip(left) {
                    standing.extend(counted.line_together(*part, left, now));
                }
                all().for_each(|counted| counted.note(now));
                Ok(OfCall::hold(places, lease, standing))
            }
            Err((by, wait)) => match parts.get(by) {
                Some((counted, part, _)) => Err(counted.refused_together(*part, wait)),
                // It was looked at before.
                None => self.take(tool, now),
            },
        }
    }

    fn places(&self, tool: Option<&str>) -> Result<Vec<Place>, Refused> {
        let mut places = Vec::new();
        for counted in self.counted.iter().filter(|counted| counted.is_about(tool)) {
            places.extend(counted.place()?);
        }
        Ok(places)
    }
}

impl OfCall {
    fn hold(places: Vec<Place>, lease: Option<Lease>, standing: Standing) -> Option<Hold> {
        let standing = Some(standing).filter(|standing| !standing.is_empty());
        let is_empty = places.is_empty() && lease.is_none() && standing.is_none();
        let held = Self {
            standing,
            _places: places,
            _lease: lease,
        };
        (!is_empty).then(|| -> Hold { Box::new(held) })
    }
}

impl Held for OfCall {
    fn standing(&mut self) -> Option<Standing> {
        self.standing.take()
    }
}
