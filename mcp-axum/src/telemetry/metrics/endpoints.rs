//! How the endpoints of upstreams are doing, read when somebody asks.

use mcp_core::{
    fleet::{BreakerState, EndpointStatus, QueueStatus},
    tool::Bases,
    upstream::Hub,
};
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric},
    metrics::{MetricType, counter::ConstCounter, gauge::ConstGauge},
};
use std::{
    fmt,
    sync::{Arc, Weak},
};

/// The hub is not kept alive by whoever measures it.
#[derive(Debug)]
pub(super) struct EndpointsCollector(pub(super) Weak<Hub>, pub(super) Bases);

type Family = (&'static str, &'static str, MetricType, fn(&EndpointStatus) -> f64);

const FAMILIES: [Family; 6] = [
    (
        "endpoint_breaker_state",
        "0 while the endpoint is used (closed), 1 while it is let alone after failures (open), 2 while one request decides (half open)",
        MetricType::Gauge,
        |endpoint| match endpoint.breaker {
            BreakerState::Closed => 0.0,
            BreakerState::Open => 1.0,
            BreakerState::HalfOpen => 2.0,
        },
    ),
    (
        "endpoint_healthy",
        "0 while probes keep the endpoint out, 1 otherwise",
        MetricType::Gauge,
        |endpoint| f64::from(u8::from(endpoint.is_healthy.unwrap_or(true))),
    ),
    (
        "endpoint_under_way",
        "Requests under way to the endpoint",
        MetricType::Gauge,
        |endpoint| endpoint.under_way.into(),
    ),
    (
        "endpoint_latency_seconds",
        "What answers of the endpoint last, a moving average",
        MetricType::Gauge,
        |endpoint| endpoint.latency_us.unwrap_or_default() as f64 / 1e6,
    ),
    (
        "endpoint_requests",
        "Requests to the endpoint that ended",
        MetricType::Counter,
        |endpoint| endpoint.requests as f64,
    ),
    (
        "endpoint_failures",
        "Requests to the endpoint that failed",
        MetricType::Counter,
        |endpoint| endpoint.failures as f64,
    ),
];

type QueueFamily = (&'static str, &'static str, MetricType, fn(&QueueStatus) -> f64);

const QUEUES: [QueueFamily; 4] = [
    (
        "upstream_queue_length",
        "Calls that wait for a place among those under way to the upstream",
        MetricType::Gauge,
        |queue| queue.waiting as f64,
    ),
    (
        "upstream_queue_waited",
        "Calls that waited for a place and got one",
        MetricType::Counter,
        |queue| queue.waited as f64,
    ),
    (
        "upstream_queue_refused",
        "Calls that got no place: the queue was full, or they waited for too long",
        MetricType::Counter,
        |queue| queue.refused as f64,
    ),
    (
        "upstream_queue_wait_seconds",
        "How long calls waited that got a place, all together",
        MetricType::Counter,
        |queue| queue.wait.as_secs_f64(),
    ),
];

impl Collector for EndpointsCollector {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut all: Vec<(Arc<str>, EndpointStatus)> = Vec::new();
        let mut queues: Vec<(Arc<str>, QueueStatus)> = Vec::new();
        if let Some(hub) = self.0.upgrade() {
            for id in hub.ids() {
                queues.extend(hub.queue(&id).map(|queue| (id.clone(), queue)));
                let endpoints = hub.endpoints(&id).unwrap_or_default();
                all.extend(endpoints.into_iter().map(|endpoint| (id.clone(), endpoint)));
            }
        }
        for id in self.1.ids() {
            queues.extend(self.1.queue(&id).map(|queue| (id.clone(), queue)));
            let endpoints = self.1.status(&id).unwrap_or_default();
            all.extend(endpoints.into_iter().map(|endpoint| (id.clone(), endpoint)));
        }
        for (name, help, kind, value) in FAMILIES {
            let mut family = encoder.encode_descriptor(name, help, None, kind)?;
            for (id, endpoint) in &all {
                let labels = [("upstream", &**id), ("endpoint", endpoint.url.as_str())];
                let one = family.encode_family(&labels)?;
                match kind {
                    MetricType::Counter => ConstCounter::new(value(endpoint)).encode(one)?,
                    _ => ConstGauge::new(value(endpoint)).encode(one)?,
                }
            }
        }
        for (name, help, kind, value) in QUEUES {
            let mut family = encoder.encode_descriptor(name, help, None, kind)?;
            for (id, queue) in &queues {
                let labels = [("upstream", &**id)];
                let one = family.encode_family(&labels)?;
                match kind {
                    MetricType::Counter => ConstCounter::new(value(queue)).encode(one)?,
                    _ => ConstGauge::new(value(queue)).encode(one)?,
                }
            }
        }
        Ok(())
    }
}
