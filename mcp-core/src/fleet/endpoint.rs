//! One endpoint: what the document says of it, and what requests change.

use super::{breaker::Breaker, dice::Dice, health::Health};
use crate::live::{Lived, RetryBudget, Turns};
use mcp_common::definition::upstream::UpstreamEndpoint;
use moka::{policy::EvictionPolicy, sync::Cache};
use std::{
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, SystemTime},
};
use tokio::sync::Notify;

/// Further attempts in stock: as many as calls need until the breakers of twenty endpoints are open.
const FURTHER_ATTEMPTS: u32 = 100;
/// Sessions whose endpoint is remembered, of one fleet.
const MOST_PINS: u64 = 100_000;
/// How long that is so after their last request.
const PINNED: Duration = Duration::from_secs(60 * 60);

/// One endpoint.
#[derive(Debug)]
pub(crate) struct Endpoint {
    pub(crate) url: Arc<str>,
    pub(super) weight: u32,
    pub(super) priority: u32,
    pub(super) region: Option<Arc<str>>,
    pub(super) state: Arc<Lived<EndpointState>>,
}

/// What requests change of an endpoint.
#[derive(Debug, Default)]
pub(super) struct EndpointState {
    under_way: AtomicU32,
    pub(super) requests: AtomicU64,
    pub(super) failures: AtomicU64,
    /// A moving average of what answers last, in microseconds; 0 before the first.
    latency: AtomicU64,
    pub(super) breaker: Breaker,
    pub(super) health: Health,
    last_error: Mutex<Option<(SystemTime, String)>>,
    /// Why probes find nothing out, where they do not.
    unprobed: Mutex<Option<String>>,
}

/// What requests change of a fleet.
#[derive(Debug)]
pub(super) struct FleetState {
    /// Whose turn it is.
    pub(super) turn: AtomicUsize,
    pub(super) dice: Dice,
    /// Further attempts that are left.
    pub(super) retries: RetryBudget,
    /// Requests that wait for an endpoint.
    pub(super) queue: Turns,
    /// An endpoint is back: probes or a request say so.
    pub(super) returned: Notify,
    /// Which endpoint, by its address, the requests with a key stay with. Made when the first comes.
    pins: OnceLock<Cache<u64, Arc<str>>>,
}

impl Endpoint {
    pub(super) fn new(definition: &UpstreamEndpoint, state: Arc<Lived<EndpointState>>) -> Self {
        Self {
            url: definition.url.as_str().into(),
            weight: definition.weight.max(1),
            priority: definition.priority,
            region: definition.region.as_deref().map(Into::into),
            state,
        }
    }
}

impl EndpointState {
    /// Requests under way to it.
    pub(super) fn under_way(&self) -> u32 {
        self.under_way.load(Ordering::Relaxed)
    }

    /// One more is under way, unless that would be too many.
    pub(super) fn enter(&self, most: Option<u32>) -> bool {
        let Some(most) = most else {
            self.under_way.fetch_add(1, Ordering::Relaxed);
            return true;
        };
        let more = |under_way: u32| (under_way < most).then_some(under_way + 1);
        let entered = self
            .under_way
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, more);
        entered.is_ok()
    }

    pub(super) fn leave(&self) {
        self.under_way.fetch_sub(1, Ordering::Relaxed);
    }

    /// Microseconds that answers last, on average; 0 where that is not known.
    pub(super) fn latency(&self) -> u64 {
        self.latency.load(Ordering::Relaxed)
    }

    /// An answer took so long. Two at once may count as one, which does not matter.
    pub(super) fn answered(&self, took: Duration) {
        let took = u64::try_from(took.as_micros()).unwrap_or(u64::MAX >> 8).max(1);
        let average = match self.latency() {
            0 => took,
            known => (known * 7 + took) / 8,
        };
        self.latency.store(average.max(1), Ordering::Relaxed);
    }

    pub(super) fn note(&self, error: String) {
        let mut last = self.last_error.lock().unwrap_or_else(PoisonError::into_inner);
        *last = Some((SystemTime::now(), error));
    }

    /// Why probes find nothing out, or that they do; whether that is something new.
    pub(super) fn cannot_be_probed(&self, reason: Option<&str>) -> bool {
        let mut known = self.unprobed.lock().unwrap_or_else(PoisonError::into_inner);
        let is_new = known.as_deref() != reason;
        if is_new {
            *known = reason.map(ToOwned::to_owned);
        }
        is_new
    }

    pub(super) fn probe_problem(&self) -> Option<String> {
        let known = self.unprobed.lock().unwrap_or_else(PoisonError::into_inner);
        known.clone()
    }

    pub(super) fn last_error(&self) -> Option<(SystemTime, String)> {
        let last = self.last_error.lock().unwrap_or_else(PoisonError::into_inner);
        last.clone()
    }
}

impl Default for FleetState {
    fn default() -> Self {
        Self {
            turn: AtomicUsize::new(0),
            dice: Dice::default(),
            retries: RetryBudget::holding(FURTHER_ATTEMPTS),
            queue: Turns::default(),
            returned: Notify::new(),
            pins: OnceLock::new(),
        }
    }
}

impl FleetState {
    pub(super) fn pinned(&self, key: u64) -> Option<Arc<str>> {
        self.pins.get()?.get(&key)
    }

    pub(super) fn pin(&self, key: u64, url: &Arc<str>) {
        let make = || {
            Cache::builder()
                .max_capacity(MOST_PINS)
                .eviction_policy(EvictionPolicy::lru())
                .time_to_idle(PINNED)
                .build()
        };
        self.pins.get_or_init(make).insert(key, url.clone());
    }
}
