//! How many calls the holders of keys and tokens may make, by their keys and by their roles. Each replica counts for itself, unless
//! there is somebody who counts for all of them.

mod counted;
mod names;

use super::{Action, Asked, Gate, Held, Hold, Refusal, SharedLimits, Standing, Waiting, shared::Lease};
use crate::spec::Method;
use counted::{Counted, Place};
use mcp_common::{
    authenticator::{Grant, PlacedLimits, Principal},
    tally::Count,
};
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
        }
    }

    /// Forgets keys that are not there any more.
    pub fn keep(&self, is_there: impl Fn(&str) -> bool) {
        let mut keys = self.keys.write().unwrap_or_else(PoisonError::into_inner);
        keys.retain(|key, _| is_there(key));
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
        self.of(asked.principal, grant).take(tool, SystemTime::now())
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
            holder.take_together(shared, &name, tool, SystemTime::now()).await
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
    fn take(&self, tool: Option<&str>, now: SystemTime) -> Result<Option<Hold>, Refusal> {
        let all = || self.counted.iter().filter(|counted| counted.is_about(tool));
        let places = self.places(tool)?;
        let mut standing = Standing::default();
        for (index, counted) in all().enumerate() {
            if let Err(refusal) = counted.count_today(now, &mut standing) {
                all().take(index).for_each(|counted| counted.uncount_today());
                return Err(refusal);
            }
        }
        for counted in all() {
            if let Err(refusal) = counted.check_rate(&mut standing) {
                all().for_each(|counted| counted.uncount_today());
                return Err(refusal);
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
    ) -> Result<Option<Hold>, Refusal> {
        let all = || self.counted.iter().filter(|counted| counted.is_about(tool));
        if let Some(refusal) = all().find_map(|counted| counted.known_refusal()) {
            shared.refused_by_memory();
            return Err(refusal);
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

    fn places(&self, tool: Option<&str>) -> Result<Vec<Place>, Refusal> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use mcp_common::definition::{api_key::KeyLimits, upstream::Pattern};
    use std::{num::NonZeroU32, sync::atomic::Ordering, time::UNIX_EPOCH};

    const DAY: Duration = Duration::from_secs(24 * 60 * 60);

    fn limits(
        place: &str,
        tools: Option<&str>,
        (rate, burst): (Option<&str>, Option<u32>),
        concurrent: Option<u32>,
        per_day: Option<u32>,
    ) -> PlacedLimits {
        PlacedLimits {
            place: place.into(),
            tools: tools.map(|tools| Pattern(tools.to_owned())),
            limits: KeyLimits {
                rate: rate.map(|rate| rate.parse().unwrap()),
                burst: burst.and_then(NonZeroU32::new),
                concurrent: concurrent.and_then(NonZeroU32::new),
                per_day: per_day.and_then(NonZeroU32::new),
            },
        }
    }

    fn counted(
        rate: Option<&str>,
        burst: Option<u32>,
        concurrent: Option<u32>,
        per_day: Option<u32>,
    ) -> Arc<Holder> {
        let one = limits("the key", None, (rate, burst), concurrent, per_day);
        Holder::new([one].into(), None)
    }

    fn at(second: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(second)
    }

    /// How long the caller is told to wait, and which limit it is.
    fn refused(taken: Result<Option<Hold>, Refusal>) -> (Duration, String) {
        match taken {
            Err(Refusal::Limited {
                reason, retry_after, ..
            }) => (retry_after, reason),
            Err(other) => panic!("{other}"),
            Ok(_) => panic!("let in"),
        }
    }

    #[test]
    fn a_burst_is_let_in_and_then_no_more_than_the_rate() {
        // The largest that a definition may have.
        assert!(
            counted(Some("1/d"), Some(366), None, None)
                .take(None, at(0))
                .is_ok()
        );
        let most = u32::MAX.to_string() + "/s";
        assert!(
            counted(Some(&most), Some(u32::MAX), None, None)
                .take(None, at(0))
                .is_ok()
        );
        for (rate, burst, at_once, between) in [
            ("5/h", None, 5, 12 * 60),
            ("60/d", Some(2), 2, 24 * 60),
            ("1/min", None, 1, 60),
        ] {
            let key = counted(Some(rate), burst, None, None);
            for _ in 0..at_once {
                assert!(key.take(None, at(0)).is_ok(), "{rate}");
            }
            let (wait, reason) = refused(key.take(None, at(0)));
            assert!(
                reason.contains(rate) && reason.contains("limits.rate"),
                "{reason}"
            );
            let expected = Duration::from_secs(between);
            assert!(wait <= expected && wait > expected * 9 / 10, "{rate}: {wait:?}");
        }
    }

    #[test]
    fn places_are_given_back_when_calls_are_over_and_when_they_are_refused() {
        let key = counted(Some("3/h"), None, Some(2), None);
        let held: Vec<_> = (0..2).map(|_| key.take(None, at(0)).ok().unwrap()).collect();
        assert!(refused(key.take(None, at(0))).1.contains("limits.concurrent"));
        drop(held);
        assert!(key.take(None, at(0)).is_ok(), "what was refused did not count");
        assert!(refused(key.take(None, at(0))).1.contains("limits.rate"));
        assert_eq!(key.counted[0].under_way.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn a_day_ends_at_midnight() {
        let key = counted(None, None, None, Some(2));
        let evening = 3 * DAY.as_secs() - 90;
        assert!(key.take(None, at(evening)).is_ok() && key.take(None, at(evening)).is_ok());
        let (wait, reason) = refused(key.take(None, at(evening)));
        assert_eq!(wait, Duration::from_secs(90));
        assert!(reason.contains("2 calls a day"), "{reason}");
        assert!(key.take(None, at(evening + 90)).is_ok());
    }

    #[test]
    fn the_day_counts_what_was_let_in() {
        let key = counted(Some("1/h"), None, None, Some(2));
        assert!(key.take(None, at(0)).is_ok());
        assert!(refused(key.take(None, at(0))).1.contains("limits.rate"));
        assert_eq!(key.counted[0].calls_today(), 1);
    }

    #[test]
    fn other_limits_begin_anew_and_keys_that_are_gone_are_forgotten() {
        let keys = CountedKeys::default();
        let hourly = |rate| limits("the key", None, (Some(rate), None), None, None);
        let (key, once): (Arc<str>, Arc<[_]>) = ("k".into(), [hourly("1/h")].into());
        assert!(keys.of_key(&key, &once).take(None, at(0)).is_ok());
        assert!(keys.of_key(&key, &once).take(None, at(0)).is_err());
        let more: Arc<[_]> = [hourly("2/h")].into();
        assert!(keys.of_key(&key, &more).take(None, at(0)).is_ok());
        keys.keep(|_| false);
        let key = || keys.of_key(&"k".into(), &more).take(None, at(0));
        assert!(key().is_ok() && key().is_ok());
    }

    #[test]
    fn every_limit_holds_and_each_says_where_it_stands() {
        let all = [
            limits("the role `a`", Some("refund_*"), (Some("1/h"), None), None, None),
            limits("the role `b`", None, (None, None), None, Some(4)),
            limits("the key", None, (Some("3/h"), None), None, None),
        ];
        let holder = Holder::new(all.into(), None);
        assert!(holder.take(Some("refund_order"), at(0)).is_ok());
        let (_, reason) = refused(holder.take(Some("refund_all"), at(0)));
        assert_eq!(
            reason,
            "you may make 1/h calls of `refund_*` (`limits.per_tool` of the role `a`)"
        );
        assert!(holder.take(Some("get"), at(0)).is_ok() && holder.take(None, at(0)).is_ok());
        assert!(
            refused(holder.take(None, at(0)))
                .1
                .ends_with("(`limits.rate` of the key)")
        );
        // What was refused is not among the calls of the day.
        assert_eq!(holder.counted[1].calls_today(), 3);
    }

    #[test]
    fn what_stays_goes_on_where_another_limit_changes_and_holders_are_counted_apart() {
        let keys = CountedKeys::default();
        let daily = limits("the role `a`", None, (None, None), None, Some(1));
        let rate = |rate| limits("the role `b`", None, (Some(rate), None), None, None);
        let before: Arc<[_]> = [daily.clone(), rate("5/h")].into();
        let after: Arc<[_]> = [rate("6/h"), daily].into();
        let (ada, bob): (Arc<str>, Arc<str>) = ("acme:ada".into(), "acme:bob".into());
        assert!(keys.of_other(&ada, &before).take(None, at(0)).is_ok());
        let (_, reason) = refused(keys.of_other(&ada, &after).take(None, at(0)));
        assert!(reason.contains("1 calls a day"), "{reason}");
        assert!(keys.of_other(&bob, &after).take(None, at(0)).is_ok());
        assert!(keys.of_other(&bob, &after).take(None, at(0)).is_err());
    }

    #[test]
    fn who_called_last_is_not_forgotten_for_those_who_call_often() {
        let keys = CountedKeys::remembering(10);
        let daily: Arc<[_]> = [limits("the role `a`", None, (None, None), None, Some(1))].into();
        let of = |number: u32| keys.of_other(&format!("acme:{number}").into(), &daily);
        for number in (0..10).cycle().take(200) {
            of(number);
            keys.others.run_pending_tasks();
        }
        for number in 10..30 {
            assert!(of(number).take(None, at(0)).is_ok());
            keys.others.run_pending_tasks();
            assert!(of(number).take(None, at(0)).is_err(), "{number}");
        }
        assert!(keys.others.entry_count() <= 10);
    }
}
