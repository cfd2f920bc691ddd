//! The replicas of an upstream: which of them a request goes to, and how each is doing. Knows addresses and keys, and nothing of what is sent.
//!
//! A [`Fleet`] is made anew with each version of the upstream's document. What requests change (counters, breakers, health) is by the endpoint's
//! address in a [`Home`](crate::live::Home), so that it outlives versions.

mod breaker;
mod choose;
mod custom;
mod dice;
mod endpoint;
mod health;
mod key;
mod lease;
mod mask;
mod measured;
mod pick;
mod queue;
mod returned;
mod ring;
mod status;
mod watch;

pub use crate::live::QueueStatus;
use breaker::BreakerRule;
use choose::Chooser;
use custom::Custom;
pub use custom::Probes;
pub(crate) use endpoint::Endpoint;
use endpoint::{EndpointState, FleetState};
use health::HealthRule;
pub(crate) use key::{Keys, Who};
pub(crate) use lease::{Lease, Verdict};
pub(crate) use mask::Mask;
use mcp_common::{
    definition::{
        UpstreamDefinition,
        upstream::{Balance, Failover},
    },
    events::Events,
};
pub use measured::Measured;
pub(crate) use pick::Unavailable;
pub(crate) use queue::queue_rule;
pub use status::{BreakerState, EndpointStatus, Outage};

use crate::live::{Home, Lived, QueueRule};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

/// What of fleets outlives versions of their documents. Clones are the same.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fleets {
    endpoints: Home<EndpointState>,
    fleets: Home<FleetState>,
    clock: Clock,
    events: Events,
    probes: Probes,
}

/// The endpoints of one upstream, as one version of its document has them.
#[derive(Debug)]
pub(crate) struct Fleet {
    upstream: Arc<str>,
    endpoints: Box<[Endpoint]>,
    /// In the order in which they are used.
    tiers: Box<[Mask]>,
    chooser: Chooser,
    balance: Balance,
    breaker: BreakerRule,
    health: HealthRule,
    /// What asks endpoints, where the document names a probe of its own.
    custom: Option<Custom>,
    pub(crate) failover: Failover,
    /// How many requests may be under way to one endpoint at once.
    most: Option<u32>,
    /// How many wait where all have so many.
    queue: QueueRule,
    state: Arc<Lived<FleetState>>,
    clock: Clock,
    events: Events,
}

/// Time that does not jump, in milliseconds and never 0.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock(Instant);

impl Default for Clock {
    fn default() -> Self {
        Self(Instant::now())
    }
}

impl Clock {
    fn now(self) -> u64 {
        self.at(Instant::now())
    }

    fn at(self, instant: Instant) -> u64 {
        let since = instant.saturating_duration_since(self.0).as_millis();
        u64::try_from(since).unwrap_or(u64::MAX / 4) + 1
    }
}

/// Milliseconds of whole seconds.
fn millis(seconds: u32) -> u64 {
    u64::from(seconds) * 1_000
}

impl Fleets {
    /// Tells there what happens to endpoints, and has these probes.
    pub(crate) fn telling(events: Events, probes: Probes) -> Self {
        Self {
            events,
            probes,
            ..Self::default()
        }
    }

    /// The fleet of an upstream whose document was checked.
    pub(crate) fn fleet(&self, definition: &UpstreamDefinition) -> Fleet {
        let endpoints: Box<[Endpoint]> = definition
            .replicas()
            .map(|replica| {
                let id = format!("{} {}", definition.id, replica.url).into();
                Endpoint::new(&replica, self.endpoints.of(&id))
            })
            .collect();
        Fleet {
            upstream: definition.id.clone(),
            tiers: tiers(&endpoints, definition.balance.prefer_region.as_deref()),
            chooser: Chooser::new(&definition.balance, &endpoints),
            balance: definition.balance.clone(),
            breaker: BreakerRule::of(&definition.breaker),
            health: HealthRule::of(&definition.health),
            custom: self.probes.of_health(&definition.health),
            failover: definition.failover.clone(),
            most: definition.limits.endpoint_concurrency,
            queue: queue_rule(&definition.limits),
            state: self.fleets.of(&definition.id),
            clock: self.clock,
            events: self.events.clone(),
            endpoints,
        }
    }
}

impl Fleet {
    /// Its endpoints that are switched on, in the order of the document.
    pub(crate) fn endpoints(&self) -> &[Endpoint] {
        &self.endpoints
    }

    /// A request begins, which earns a part of a further attempt.
    pub(crate) fn earn(&self) {
        self.state.retries.earn();
    }

    /// Whether one more attempt may be made at another endpoint.
    pub(crate) fn spend(&self, tried: Mask) -> bool {
        tried.len() <= self.failover.attempts as usize
            && tried.len() < self.endpoints.len()
            && self.state.retries.spend()
    }

    /// How long a request that may go on to another endpoint waits for this one; `None` where there is no other. `tried` has this one.
    pub(crate) fn patience(&self, tried: Mask, left: Duration) -> Option<Duration> {
        if tried.len() > self.failover.attempts as usize {
            return None;
        }
        let now = self.clock.now();
        let mut all = self.endpoints.iter().enumerate();
        let has_other =
            all.any(|(place, endpoint)| !tried.has(place) && endpoint.state.breaker.would_admit(now));
        has_other.then(|| self.failover.attempt().unwrap_or(left / 2).min(left))
    }
}

/// By priority; in each of them those of the preferred region first.
fn tiers(endpoints: &[Endpoint], local: Option<&str>) -> Box<[Mask]> {
    let place = |endpoint: &Endpoint| {
        let is_elsewhere = local.is_some_and(|local| endpoint.region.as_deref() != Some(local));
        (endpoint.priority, is_elsewhere)
    };
    let mut places: Vec<_> = endpoints.iter().map(place).collect();
    places.sort_unstable();
    places.dedup();
    let mask = |wanted| {
        let all = endpoints.iter().enumerate();
        all.filter(|(_, endpoint)| place(endpoint) == wanted)
            .map(|(index, _)| index)
            .collect()
    };
    places.into_iter().map(mask).collect()
}

#[cfg(test)]
mod tests;
