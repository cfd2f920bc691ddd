//! One request under way to an endpoint.

use super::{Endpoint, Fleet, breaker::Change};
use serde_json::json;
use std::{sync::atomic::Ordering, time::Instant};

/// An endpoint while a request is under way to it. Dropped without a verdict, the request says nothing about the endpoint.
#[derive(Debug)]
pub(crate) struct Lease<'a> {
    fleet: &'a Fleet,
    pub(crate) place: usize,
    begun: Instant,
    /// Whether it closes the endpoint's breaker, or opens it again.
    decides: bool,
    is_judged: bool,
    /// When the request is given up: who has not answered by then has failed.
    deadline: Option<Instant>,
}

/// What a request says about its endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It answered.
    Good,
    /// It did not, or says itself that it cannot.
    Bad(String),
}

impl<'a> Lease<'a> {
    pub(super) fn new(fleet: &'a Fleet, place: usize, begun: Instant, decides: bool) -> Self {
        Self {
            fleet,
            place,
            begun,
            decides,
            is_judged: false,
            deadline: None,
        }
    }

    /// The same with a time by which it has to answer.
    pub(crate) fn until(mut self, deadline: Instant) -> Self {
        self.deadline = Some(deadline);
        self
    }

    pub(crate) fn endpoint(&self) -> &'a Endpoint {
        &self.fleet.endpoints[self.place]
    }

    /// Says how the request ended.
    pub(crate) fn judge(mut self, verdict: Verdict) {
        self.settle(verdict);
    }

    fn settle(&mut self, verdict: Verdict) {
        self.is_judged = true;
        let ended = Instant::now();
        let (fleet, endpoint) = (self.fleet, self.endpoint());
        let state = &endpoint.state;
        let now = fleet.clock.at(ended);
        state.requests.fetch_add(1, Ordering::Relaxed);
        let change = match verdict {
            Verdict::Good => {
                state.answered(ended.saturating_duration_since(self.begun));
                state.breaker.succeeded(self.decides)
            }
            Verdict::Bad(error) => {
                state.failures.fetch_add(1, Ordering::Relaxed);
                state.note(error);
                state.breaker.failed(self.decides, now, fleet.breaker)
            }
        };
        let (upstream, url) = (&*fleet.upstream, &*endpoint.url);
        match change {
            Change::None => {}
            Change::Opened => {
                let (_, error) = state
                    .last_error()
                    .unwrap_or((std::time::SystemTime::UNIX_EPOCH, String::new()));
                let members = json!({"upstream": upstream, "endpoint": url, "error": error});
                fleet.events.tell("breaker.opened", members);
                tracing::warn!(
                    upstream,
                    endpoint = url,
                    error,
                    "an endpoint is let alone after failures (breaker open)"
                );
            }
            Change::Closed => {
                state.health.came_back(now);
                fleet.state.returned.notify_waiters();
                fleet
                    .events
                    .tell("breaker.closed", json!({"upstream": upstream, "endpoint": url}));
                tracing::info!(
                    upstream,
                    endpoint = url,
                    "an endpoint answers again (breaker closed)"
                );
            }
        }
    }
}

impl Drop for Lease<'_> {
    fn drop(&mut self) {
        if !self.is_judged && self.deadline.is_some_and(|deadline| deadline <= Instant::now()) {
            self.settle(Verdict::Bad("it gave no complete answer in time".to_owned()));
        }
        let state = &self.endpoint().state;
        state.leave();
        if self.decides && !self.is_judged {
            state.breaker.undecided(self.fleet.clock.now());
        }
        self.fleet.has_left();
    }
}
