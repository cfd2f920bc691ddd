//! Who waits until an endpoint can be called again.

use super::{Fleet, Mask, breaker::Stand};
use std::{future::pending, time::Duration};

impl Fleet {
    /// Until an endpoint can be called that cannot be called now, and probes say that it is well. For ever where nobody probes: that a cool-down is
    /// over says nothing.
    pub(crate) async fn returned(&self) {
        if !self.health.is_probed {
            return pending().await;
        }
        let before = self.callable_now();
        loop {
            // Before the look, so that what changes during it is heard of.
            let returned = self.state.returned.notified();
            if !self.callable_now().without(before).is_empty() {
                return;
            }
            let cooled = async {
                match self.until_one_is_cooled() {
                    Some(wait) => tokio::time::sleep(wait).await,
                    None => pending().await,
                }
            };
            tokio::select! {
                () = returned => {}
                () = cooled => {}
            }
        }
    }

    /// Those that probes leave in and breakers would let a request through to.
    fn callable_now(&self) -> Mask {
        let now = self.clock.now();
        let all = self.endpoints.iter().enumerate();
        let callable = all.filter(|(_, endpoint)| {
            let state = &endpoint.state;
            !state.health.is_out() && state.breaker.would_admit(now)
        });
        callable.map(|(place, _)| place).collect()
    }

    /// The time until the first of those that probes leave in may be called; `None` where no breaker of them is open.
    fn until_one_is_cooled(&self) -> Option<Duration> {
        let now = self.clock.now();
        let well = self
            .endpoints
            .iter()
            .filter(|endpoint| !endpoint.state.health.is_out());
        let waits = well.filter_map(|endpoint| match endpoint.state.breaker.stand(now) {
            Stand::Open(until) => Some(until - now),
            Stand::Closed | Stand::HalfOpen => None,
        });
        waits.min().map(Duration::from_millis)
    }
}
