//! How the requests of a tool are delivered, compiled: with a credential, again, elsewhere, so many at once,
//! and over which connections.

use super::header_name;
use crate::tool::{Auth, Origin, Transport};
use http::{HeaderName, Method};
use mcp_common::{
    definition::tool::{HttpBinding, RedirectBinding, RetryBinding, RetryOn},
    problem::Problem,
};
use std::{sync::Arc, time::Duration};

/// Everything beyond one plain exchange. A tool without these has none of it.
#[derive(Debug)]
pub(crate) struct Delivery {
    pub(crate) auth: Option<Auth>,
    pub(crate) retry: Option<Retry>,
    pub(crate) redirect: Option<RedirectBinding>,
    /// How many calls may be under way at once; the others wait.
    pub(crate) concurrency: Option<usize>,
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
}

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
            concurrency: binding.limits.concurrency.map(|most| most as usize),
            transport,
        };
        let is_plain = delivery.auth.is_none()
            && delivery.retry.is_none()
            && delivery.redirect.is_none()
            && delivery.concurrency.is_none()
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
        })
    }
}
