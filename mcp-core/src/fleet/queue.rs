//! Requests that wait for an endpoint, where all that can be called have as many as they may have.

use super::{Fleet, Keys, Lease, Mask, Unavailable};
use crate::live::{QueueRule, QueueStatus};
use mcp_common::definition::upstream::UpstreamLimits;
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

/// What a document says of waiting.
pub(crate) fn queue_rule(limits: &UpstreamLimits) -> QueueRule {
    QueueRule {
        length: limits.queue as usize,
        wait: Duration::from_millis(limits.queue_ms),
    }
}

impl Fleet {
    /// The endpoint for a request, waited for in the queue of whoever calls, until then at the latest. A request that was somewhere already does not wait: what
    /// it was told there is its answer.
    pub(crate) async fn admit(
        &self,
        keys: Keys,
        tried: Mask,
        who: (Option<&str>, Instant),
    ) -> Result<Lease<'_>, Unavailable> {
        let Some(most) = self.most.filter(|_| tried.is_empty()) else {
            return self.pick_again(keys, tried);
        };
        let attempt = || match self.pick(keys, tried) {
            Ok(lease) => Ok(Some(lease)),
            Err(Unavailable::Busy { .. }) => Ok(None),
            Err(why) => Err(why),
        };
        let queue = &self.state.queue;
        match queue.take(self.queue, who, attempt, || self.has_room()).await? {
            Ok(lease) => Ok(lease),
            Err(_) if self.queue.length == 0 => Err(Unavailable::Busy { most }),
            Err(why) => Err(Unavailable::NoTurn { most, why }),
        }
    }

    /// The most requests that are under way to each endpoint at once, where there is such a bound.
    pub(crate) fn bound(&self) -> Option<u32> {
        self.most
    }

    /// The upstream's id.
    pub(crate) fn upstream(&self) -> &Arc<str> {
        &self.upstream
    }

    /// How many wait.
    pub(crate) fn queue(&self) -> QueueStatus {
        self.state.queue.status()
    }

    /// A request has left its endpoint.
    pub(super) fn has_left(&self) {
        if self.most.is_some() {
            self.state.queue.left();
        }
    }

    /// Whether any endpoint takes one more.
    fn has_room(&self) -> bool {
        let now = self.clock.now();
        self.endpoints.iter().any(|endpoint| {
            let state = &endpoint.state;
            self.most.is_none_or(|most| state.under_way() < most) && state.breaker.would_admit(now)
        })
    }
}
