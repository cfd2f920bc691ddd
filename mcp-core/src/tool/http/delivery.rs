//! How the requests of a tool are delivered, compiled: with a credential, again, elsewhere, so many at once,
//! and over which connections.

use super::header_name;
use crate::tool::{Auth, Origin, Transport};
use http::{HeaderName, Method};
use mcp_common::{
    definition::tool::{HttpBinding, RedirectBinding, RetryBinding, RetryOn},
    problem::Problem,
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::sync::Semaphore;

/// Everything beyond one plain exchange. A tool without these has none of it.
#[derive(Debug)]
pub(crate) struct Delivery {
    pub(crate) auth: Option<Auth>,
    pub(crate) retry: Option<Retry>,
    pub(crate) redirect: Option<RedirectBinding>,
    pub(crate) gate: Option<Gate>,
    /// `None`: the connections of everybody.
    pub(crate) transport: Option<Arc<Transport>>,
}

/// When and how a request is sent again.
#[derive(Debug)]
pub(crate) struct Retry {
    pub(crate) max: u32,
    pub(crate) after_connect: bool,
    pub(crate) statuses: Vec<u16>,
    pub(crate) base: Duration,
    pub(crate) longest: Duration,
    pub(crate) respect_retry_after: bool,
    pub(crate) idempotency_key: Option<HeaderName>,
    pub(crate) budget: RetryBudget,
}

/// Retries that a tool has left: an upstream that is down is not called many times as often as one that is up. Each
/// call earns a tenth of a retry.
#[derive(Debug)]
pub(crate) struct RetryBudget(AtomicI64);

/// So many calls at once, the others wait in the order in which they came.
#[derive(Debug)]
pub(crate) struct Gate {
    pub(crate) places: Semaphore,
    pub(crate) most: usize,
    waiting: AtomicUsize,
}

/// One that waits.
#[derive(Debug)]
pub(crate) struct Waiting<'a>(&'a AtomicUsize);

/// How many wait for each place before further calls are refused.
const WAITING_PER_PLACE: usize = 4;
const FULL_BUDGET: i64 = 100;
const RETRY_COST: i64 = 10;

impl Delivery {
    /// `None` where one plain exchange is all.
    pub(super) fn compile(
        binding: &HttpBinding,
        method: &Method,
        origin: Option<&Origin>,
        problems: &mut Vec<Problem>,
    ) -> Option<Box<Self>> {
        let transport = Transport::compile(binding, origin, problems).map(Arc::new);
        let auth = binding.auth.as_ref();
        let delivery = Self {
            auth: auth.and_then(|auth| Auth::compile(auth, transport.as_ref(), problems)),
            retry: binding
                .retry
                .as_ref()
                .filter(|retry| retry.max > 0)
                .and_then(|retry| Retry::compile(retry, method, problems)),
            redirect: binding.redirect.clone().filter(|redirect| redirect.follow > 0),
            gate: binding.limits.concurrency.map(|most| Gate::new(most as usize)),
            transport,
        };
        let is_plain = delivery.auth.is_none()
            && delivery.retry.is_none()
            && delivery.redirect.is_none()
            && delivery.gate.is_none()
            && delivery.transport.is_none();
        (!is_plain).then(|| Box::new(delivery))
    }
}

impl Retry {
    fn compile(binding: &RetryBinding, method: &Method, problems: &mut Vec<Problem>) -> Option<Self> {
        let idempotency_key = match binding
            .idempotency_key
            .as_deref()
            .map(header_name::read)
            .transpose()
        {
            Ok(name) => name,
            Err(reason) => {
                problems.push(Problem::at("tds_ext_info.retry.idempotency_key", reason));
                return None;
            }
        };
        if !method.is_idempotent() && idempotency_key.is_none() {
            let reason = format!(
                "a {method} could be done twice: give `idempotency_key`, if the upstream knows such a header, or no `retry`"
            );
            problems.push(Problem::at("tds_ext_info.retry", reason));
            return None;
        }
        let statuses = binding.on.iter().filter_map(|on| match on {
            RetryOn::Status(status) => Some(*status),
            RetryOn::Connect => None,
        });
        Some(Self {
            max: binding.max,
            after_connect: binding.on.contains(&RetryOn::Connect),
            statuses: statuses.collect(),
            base: Duration::from_millis(binding.backoff.base_ms),
            longest: Duration::from_millis(binding.backoff.max_ms),
            respect_retry_after: binding.respect_retry_after,
            idempotency_key,
            budget: RetryBudget(AtomicI64::new(FULL_BUDGET)),
        })
    }
}

impl RetryBudget {
    /// A call begins.
    pub(crate) fn earn(&self) {
        let earned = |left: i64| (left < FULL_BUDGET).then_some(left + 1);
        let _ = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, earned);
    }

    /// Whether one more retry may be.
    pub(crate) fn spend(&self) -> bool {
        let spent = |left: i64| (left >= RETRY_COST).then_some(left - RETRY_COST);
        self.0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, spent)
            .is_ok()
    }
}

impl Gate {
    fn new(most: usize) -> Self {
        Self {
            places: Semaphore::new(most),
            most,
            waiting: AtomicUsize::new(0),
        }
    }

    /// A place in the queue, unless it is full.
    pub(crate) fn queue(&self) -> Option<Waiting<'_>> {
        let waiting = Waiting(&self.waiting);
        let before = self.waiting.fetch_add(1, Ordering::Relaxed);
        (before < self.most.saturating_mul(WAITING_PER_PLACE)).then_some(waiting)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
