//! How the endpoints of an upstream are doing.

use super::{UpstreamCheck, UpstreamState, millis, rfc3339};
use crate::{
    app::App,
    http::error::{Error, Result},
};
use http::StatusCode;
use mcp_common::{key::Key, probe::Finding};
use mcp_core::{
    fleet::{BreakerState, EndpointStatus, QueueStatus},
    tool::Bases,
    upstream::State as Connection,
};
use serde::Serialize;
use std::{sync::Arc, time::Instant};
use utoipa::ToSchema;

/// One endpoint that is switched on, as this replica of the gateway sees it.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::http::admin) struct EndpointState {
    /// Its address.
    #[schema(example = "https://eu.billing.example/v1")]
    url: String,
    /// How its breaker stands: `closed` (it is used), `open` (it is let alone after failures) or `half_open` (the next request decides).
    #[schema(value_type = String, example = "closed")]
    breaker: BreakerState,
    /// Milliseconds until it is tried again, while the breaker is open.
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_in_ms: Option<u64>,
    /// What probes say; absent where nobody probes (`health.enabled`).
    #[serde(skip_serializing_if = "Option::is_none")]
    healthy: Option<bool>,
    /// Why probes find nothing out about it; absent where they do.
    #[serde(skip_serializing_if = "Option::is_none")]
    probe_problem: Option<String>,
    /// As the document has it.
    weight: u32,
    /// As the document has it.
    priority: u32,
    /// As the document has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    region: Option<String>,
    /// Requests under way.
    under_way: u32,
    /// Requests that ended.
    requests: u64,
    /// Those of them that failed.
    failures: u64,
    /// What its answers last on average, in milliseconds; absent before the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    latency_ms: Option<f64>,
    /// The last failure; absent where there was none.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_error: Option<String>,
    /// When that was, as RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    last_error_at: Option<String>,
}

impl From<EndpointStatus> for EndpointState {
    fn from(status: EndpointStatus) -> Self {
        let (at, error) = status.last_error.unzip();
        Self {
            url: status.url,
            breaker: status.breaker,
            retry_in_ms: status.retry_in_ms,
            healthy: status.is_healthy,
            probe_problem: status.probe_problem,
            weight: status.weight,
            priority: status.priority,
            region: status.region,
            under_way: status.under_way,
            requests: status.requests,
            failures: status.failures,
            latency_ms: status.latency_us.map(|us| us as f64 / 1_000.0),
            last_error: error,
            last_error_at: at.map(rfc3339),
        }
    }
}

/// Calls that waited for a place among those under way (`limits`), as this replica of the gateway sees it.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::http::admin) struct QueueState {
    /// Those that wait now.
    waiting: usize,
    /// Those that waited and got a place.
    waited: u64,
    /// Those that were refused: the queue was full, or they waited for too long.
    refused: u64,
    /// What those that got a place waited on average, in milliseconds.
    wait_ms: f64,
}

impl QueueState {
    /// `None` where no call has waited.
    pub(super) fn of(status: QueueStatus) -> Option<Self> {
        if status == QueueStatus::default() {
            return None;
        }
        Some(Self {
            waiting: status.waiting,
            waited: status.waited,
            refused: status.refused,
            wait_ms: status.wait.as_secs_f64() * 1_000.0 / status.waited.max(1) as f64,
        })
    }
}

/// What a probe of one endpoint came to.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::http::admin) struct CheckedEndpoint {
    /// Its address.
    #[schema(example = "https://eu.billing.example/v1")]
    url: String,
    /// Why it is not well, or why that cannot be found out; absent where it is well.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
}

/// Asks all endpoints of an HTTP service how they are, which is a failure where none is well; `None` where there is no such service.
pub(super) async fn check(app: &App, key: &Key) -> Option<Result<UpstreamCheck>> {
    let begun = Instant::now();
    let found = app.admin.engine.probe_service(&key.id).await?;
    let took = begun.elapsed();
    let (mut endpoints, mut problems) = (Vec::new(), Vec::new());
    for (url, finding) in found {
        let problem = match finding {
            Finding::Good => None,
            Finding::Bad(reason) | Finding::Unknown(reason) => Some(reason),
        };
        problems.extend(problem.iter().map(|reason| format!("{url}: {reason}")));
        endpoints.push(CheckedEndpoint { url, problem });
    }
    if problems.len() == endpoints.len() {
        let reason = format!("{key}: {}", problems.join("; "));
        return Some(Err(Error::new(StatusCode::BAD_GATEWAY, reason)));
    }
    Some(Ok(UpstreamCheck {
        protocol: "http",
        handshake_ms: millis(took),
        list_ms: 0,
        tools: 0,
        resources: 0,
        prompts: 0,
        endpoints,
    }))
}

/// An HTTP service, which is ready while any of its endpoints is used.
pub(super) fn service(bases: &Bases, id: &Arc<str>) -> Option<UpstreamState> {
    let (definition, endpoints) = (bases.definition(id)?, bases.status(id)?);
    let outage = EndpointStatus::outage(&endpoints);
    let state = match outage {
        None => Connection::Ready,
        Some(_) => Connection::Waiting,
    };
    Some(UpstreamState {
        id: id.clone(),
        kind: "http",
        origin: definition.origin.clone(),
        tags: definition.tags.clone(),
        capabilities: definition.capabilities.clone(),
        state,
        since: None,
        transport: "http",
        protocol: None,
        tools: 0,
        resources: 0,
        prompts: 0,
        drifted: 0,
        attempts: 0,
        last_error: outage.map(|outage| outage.error),
        login_needed: false,
        next_attempt_ms: endpoints.iter().filter_map(|endpoint| endpoint.retry_in_ms).min(),
        strays: 0,
        queue: bases.queue(id).and_then(QueueState::of),
        endpoints: endpoints.into_iter().map(Into::into).collect(),
    })
}
