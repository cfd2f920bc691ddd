//! How the requests of a tool are delivered, compiled: with a credential, again, elsewhere, so many at once,
//! and over which connections.

use super::header_name;
use crate::tool::{Auth, Base, Origin, Transport};
use http::{HeaderName, Method};
use mcp_common::{
    definition::tool::{AuthBinding, HttpBinding, RedirectBinding, RetryBinding, RetryOn},
    problem::Problem,
};
use std::{sync::Arc, time::Duration};

/// Everything beyond one plain exchange. A tool without these has none of it.
#[derive(Debug)]
pub(crate) struct Delivery {
    /// The service that it goes to, by id; its credential and transport are used where there are none here.
    pub(crate) upstream: Option<Arc<str>>,
    /// The definition says that there is no credential.
    pub(crate) is_anonymous: bool,
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
            upstream: binding.upstream.clone(),
            is_anonymous: matches!(auth, Some(AuthBinding::None {})),
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
        let is_plain = delivery.upstream.is_none()
            && delivery.auth.is_none()
            && delivery.retry.is_none()
            && delivery.redirect.is_none()
            && delivery.concurrency.is_none()
            && delivery.transport.is_none();
        (!is_plain).then(|| Box::new(delivery))
    }
}

impl Delivery {
    /// The credential that it shows: its own, or that of the service.
    pub(crate) fn auth<'a>(&'a self, base: Option<&'a Base>) -> Option<&'a Auth> {
        let of_base = || base.filter(|_| !self.is_anonymous)?.auth.as_ref();
        self.auth.as_ref().or_else(of_base)
    }

    /// How connections are made for it; `None` for those of everybody.
    pub(crate) fn transport<'a>(&'a self, base: Option<&'a Base>) -> Option<&'a Arc<Transport>> {
        match base {
            Some(base) => base.transport.as_ref(),
            None => self.transport.as_ref(),
        }
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
