//! How the endpoints of a fleet are doing, for people and metrics.

use super::{Fleet, breaker::Stand};
use serde::Serialize;
use std::{
    sync::atomic::Ordering,
    time::{Duration, SystemTime},
};

/// How a breaker stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum BreakerState {
    /// The endpoint is used.
    Closed,
    /// The endpoint is let alone.
    Open,
    /// The next request, or one that is under way, decides.
    HalfOpen,
}

/// One endpoint.
#[derive(Clone, Debug)]
pub struct EndpointStatus {
    /// Its address.
    pub url: String,
    /// As the document has it.
    pub weight: u32,
    /// As the document has it.
    pub priority: u32,
    /// As the document has it.
    pub region: Option<String>,
    /// How its breaker stands.
    pub breaker: BreakerState,
    /// Milliseconds until it is tried again, while the breaker is open.
    pub retry_in_ms: Option<u64>,
    /// What probes say; `None` where nobody probes.
    pub is_healthy: Option<bool>,
    /// Why probes find nothing out; `None` where they do, or where nobody probes.
    pub probe_problem: Option<String>,
    /// Requests under way.
    pub under_way: u32,
    /// Requests that ended, since the gateway knows it.
    pub requests: u64,
    /// Those of them that failed.
    pub failures: u64,
    /// What answers last on average; `None` before the first.
    pub latency_us: Option<u64>,
    /// The last failure, and when that was.
    pub last_error: Option<(SystemTime, String)>,
}

impl EndpointStatus {
    /// Whether it is known to take requests: its breaker is closed, and probes do not say that it is ill. Of one whose breaker is half open nothing is
    /// known before the next request, unless probes say that it is well.
    pub fn is_used(&self) -> bool {
        let is_well = self.is_healthy.filter(|_| self.probe_problem.is_none());
        match self.breaker {
            BreakerState::Closed => self.is_healthy != Some(false),
            BreakerState::HalfOpen => is_well == Some(true),
            BreakerState::Open => false,
        }
    }

    /// Why none of these is used; `None` while any is.
    pub fn outage(endpoints: &[Self]) -> Option<Outage> {
        if endpoints.iter().any(Self::is_used) {
            return None;
        }
        let failures = endpoints
            .iter()
            .filter_map(|endpoint| endpoint.last_error.as_ref());
        let (since, error) = failures.max_by_key(|(at, _)| *at).cloned().unzip();
        let waits = endpoints.iter().filter_map(|endpoint| endpoint.retry_in_ms);
        Some(Outage {
            since,
            error: error.unwrap_or_else(|| "none of its endpoints is used".to_owned()),
            retry_in: waits.min().map(Duration::from_millis),
        })
    }
}

/// No endpoint is used.
#[derive(Clone, Debug)]
pub struct Outage {
    /// The time of the last failure.
    pub since: Option<SystemTime>,
    /// What that was.
    pub error: String,
    /// The time until a breaker lets a request through again; `None` where the next request decides, or only probes can say that an endpoint is back.
    pub retry_in: Option<Duration>,
}

impl Fleet {
    /// Why none of its endpoints is used; `None` while any is, which is told without looking closer.
    pub(crate) fn outage(&self) -> Option<Outage> {
        let now = self.clock.now();
        let is_used = |endpoint: &super::Endpoint| {
            let is_out = self.health.is_probed && endpoint.state.health.is_out();
            !is_out && endpoint.state.breaker.stand(now) == Stand::Closed
        };
        match self.endpoints.iter().any(is_used) {
            true => None,
            false => EndpointStatus::outage(&self.status()),
        }
    }

    /// All endpoints that are switched on, in the order of the document.
    pub(crate) fn status(&self) -> Vec<EndpointStatus> {
        let now = self.clock.now();
        let status = |endpoint: &super::Endpoint| {
            let state = &endpoint.state;
            let stand = state.breaker.stand(now);
            EndpointStatus {
                url: endpoint.url.to_string(),
                weight: endpoint.weight,
                priority: endpoint.priority,
                region: endpoint.region.as_deref().map(ToOwned::to_owned),
                breaker: match stand {
                    Stand::Closed => BreakerState::Closed,
                    Stand::Open(_) => BreakerState::Open,
                    Stand::HalfOpen => BreakerState::HalfOpen,
                },
                retry_in_ms: match stand {
                    Stand::Open(until) => Some(until - now),
                    Stand::Closed | Stand::HalfOpen => None,
                },
                is_healthy: self.health.is_probed.then(|| !state.health.is_out()),
                probe_problem: state.probe_problem().filter(|_| self.health.is_probed),
                under_way: state.under_way(),
                requests: state.requests.load(Ordering::Relaxed),
                failures: state.failures.load(Ordering::Relaxed),
                latency_us: Some(state.latency()).filter(|latency| *latency > 0),
                last_error: state.last_error(),
            }
        };
        self.endpoints.iter().map(status).collect()
    }
}
