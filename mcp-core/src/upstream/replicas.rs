//! Several endpoints of one server with streamable HTTP: each request goes to one of them, and on to another one where that does no harm. What has a
//! session stays with the endpoint that gave it.

use super::{
    call,
    error::UpstreamError,
    http::{HttpLink, Versions},
    news::News,
    outgoing::{Outgoing, Speech},
    settings::HubSettings,
};
use crate::fleet::{Fleet, Keys, Lease, Mask, Unavailable, Verdict, Who};
use bytes::Bytes;
use mcp_common::definition::{UpstreamDefinition, upstream::Health};
use std::{
    sync::{Arc, OnceLock},
    time::{Duration, Instant},
};
use tokio::{sync::oneshot, time::timeout};

/// A link to each endpoint of a fleet.
#[derive(Debug)]
pub(super) struct Replicas {
    fleet: Arc<Fleet>,
    links: Box<[Arc<HttpLink>]>,
    /// The endpoint that gave the session, if one did.
    home: OnceLock<usize>,
    /// How long a request may take.
    limit: Duration,
}

impl Replicas {
    /// Connects when requests are made.
    pub(super) fn new(
        definition: &Arc<UpstreamDefinition>,
        fleet: &Arc<Fleet>,
        settings: &HubSettings,
        news: &Arc<News>,
    ) -> Result<Arc<Self>, UpstreamError> {
        let link = |url: &str| HttpLink::to(url, definition, settings, news.clone(), Versions::All);
        let endpoints = fleet.endpoints().iter();
        let links: Result<Box<[_]>, _> = endpoints.map(|endpoint| link(&endpoint.url)).collect();
        Ok(Arc::new(Self {
            fleet: fleet.clone(),
            links: links?,
            home: OnceLock::new(),
            limit: definition.timeouts.call(),
        }))
    }

    /// Asks all endpoints how they are, again and again.
    pub(super) async fn watch(&self, health: &Health) {
        let probe = async |place: usize| {
            let probed = self.links[place].probe(health).await;
            probed.map_err(|error| error.to_string())
        };
        self.fleet.watch(probe).await;
    }

    /// The answer of the first endpoint that gives one, or what the last one said.
    pub(super) async fn request(&self, out: &Outgoing<'_>) -> Result<Bytes, UpstreamError> {
        let deadline = Instant::now() + self.limit;
        if let Some(home) = self.home.get() {
            let lease = self.fleet.enter_any(*home).until(deadline);
            let answered = self.links[*home].request(out).await;
            judge(lease, &answered);
            return answered;
        }
        let keys = self.keys(out);
        let mut tried = Mask::default();
        let mut last = None;
        self.fleet.earn();
        loop {
            let who = (out.asks.principal, deadline);
            let lease = match self.fleet.admit(keys, tried, who).await {
                Ok(lease) => lease.until(deadline),
                Err(why) => return last.unwrap_or_else(|| Err(none(&why))),
            };
            let place = lease.place;
            tried.add(place);
            let asking = self.links[place].request(out);
            // It lasts for as long as somebody listens, which is no load, and says nothing about the endpoint.
            if out.is_stream() {
                drop(lease);
                return asking.await;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            let answered = match self.patience(out, tried, left) {
                None => asking.await,
                Some(limit) => timeout(limit, asking).await.unwrap_or_else(|_| {
                    let step = "the answer of one endpoint";
                    Err(UpstreamError::Slow { step, limit })
                }),
            };
            judge(lease, &answered);
            if out.speech == Speech::Opening && self.links[place].has_session() {
                let _ = self.home.set(place);
            }
            let is_safe = out.is_repeatable || matches!(answered, Err(UpstreamError::Unreachable(_)));
            let goes_on = is_safe && answered.as_ref().is_err_and(UpstreamError::means_another);
            if !goes_on || !self.fleet.spend(tried) {
                return answered;
            }
            last = Some(answered);
        }
    }

    /// Says what has no answer, where the session is.
    pub(super) async fn notify(&self, body: String, speech: Speech) -> Result<(), UpstreamError> {
        match self.at_home() {
            Some(link) => link.notify(body, speech).await,
            // Without a session it is nobody's.
            None => Ok(()),
        }
    }

    /// Tells the server that the session is over.
    pub(super) async fn close(&self, speech: Speech) {
        if let Some(link) = self.at_home() {
            link.close(speech).await;
        }
    }

    /// Listens for as long as the server has such a stream; see [`HttpLink::listen`].
    pub(super) async fn listen(self: Arc<Self>, speech: Speech, answered: Option<oneshot::Sender<()>>) {
        let place = match self.home.get() {
            Some(home) => Some(*home),
            None => self
                .fleet
                .pick(Keys::default(), Mask::default())
                .ok()
                .map(|lease| lease.place),
        };
        if let Some(link) = place.and_then(|place| self.links.get(place)) {
            link.clone().listen(speech, answered).await;
        }
    }

    /// Whether one endpoint gave a session.
    pub(super) fn has_home(&self) -> bool {
        self.home.get().is_some()
    }

    fn at_home(&self) -> Option<&Arc<HttpLink>> {
        self.links.get(*self.home.get()?)
    }

    fn keys(&self, out: &Outgoing<'_>) -> Keys {
        let asks = &out.asks;
        let arguments = asks
            .params
            .filter(|_| self.fleet.goes_by_arguments())
            .and_then(call::arguments_of);
        self.fleet.keys(Who {
            session: asks.session,
            principal: asks.principal,
            arguments,
        })
    }

    /// A client that may be asked something in between takes its time.
    fn patience(&self, out: &Outgoing<'_>, tried: Mask, left: Duration) -> Option<Duration> {
        let is_asked = out.line.is_some_and(|line| !line.client().is_none());
        (out.is_repeatable && !is_asked)
            .then(|| self.fleet.patience(tried, left))
            .flatten()
    }
}

/// Nothing was sent.
fn none(why: &Unavailable) -> UpstreamError {
    match why {
        Unavailable::Busy { .. } | Unavailable::NoTurn { .. } => UpstreamError::Busy(why.to_string()),
        Unavailable::Open { .. } | Unavailable::Tried => UpstreamError::Unreachable(why.to_string()),
    }
}

fn judge(lease: Lease<'_>, answered: &Result<Bytes, UpstreamError>) {
    match answered {
        Err(error) if error.is_of_endpoint() => lease.judge(Verdict::Bad(error.to_string())),
        _ => lease.judge(Verdict::Good),
    }
}
