//! Asks endpoints how they are, beside requests, for as long as somebody wants to know.

use super::Fleet;
use futures_util::future::join_all;
use mcp_common::probe::Finding;
use serde_json::json;
use std::time::Duration;

/// The longest wait before the first probe: nobody waits a whole interval to know what is there.
const FIRST: Duration = Duration::from_secs(1);

impl Fleet {
    /// Probes every endpoint again and again; for ever, or not at all where the document does not want it. `probe` asks where the document names no probe of
    /// its own.
    pub(crate) async fn watch<F>(&self, probe: impl Fn(usize) -> F)
    where
        F: Future<Output = Result<(), String>>,
    {
        if !self.health.is_probed {
            return std::future::pending().await;
        }
        let interval = self.health.interval;
        // Fleets that were defined together are not asked together.
        let by_chance = |span: Duration| span.mul_f64(self.state.dice.below(1_000) as f64 / 1_000.0);
        tokio::time::sleep(by_chance(interval.min(FIRST))).await;
        loop {
            let one = async |place: usize| {
                let found = self.ask(place, None, &probe).await;
                self.probed(place, found);
            };
            join_all((0..self.endpoints.len()).map(one)).await;
            // A tenth by chance, for the same reason.
            tokio::time::sleep(interval.mul_f64(0.95) + by_chance(interval / 10)).await;
        }
    }

    /// Probes every endpoint once, in the order of the document, and tells by their addresses what was found out. It counts for nothing.
    pub(crate) async fn ask_all<F>(&self, probe: impl Fn(usize) -> F) -> Vec<(String, Finding)>
    where
        F: Future<Output = Result<(), String>>,
    {
        let one = async |place: usize| {
            // Somebody waits for all of them.
            let found = self.ask(place, Some(self.health.timeout), &probe).await;
            (self.endpoints[place].url.to_string(), found)
        };
        join_all((0..self.endpoints.len()).map(one)).await
    }

    /// `patience`: how long a probe of the document's own may wait for its turn.
    async fn ask<F>(&self, place: usize, patience: Option<Duration>, probe: &impl Fn(usize) -> F) -> Finding
    where
        F: Future<Output = Result<(), String>>,
    {
        let limit = self.health.timeout;
        if let Some(custom) = &self.custom {
            return custom.ask(self, &self.endpoints[place], limit, patience).await;
        }
        match tokio::time::timeout(limit, probe(place)).await {
            Ok(Ok(())) => Finding::Good,
            Ok(Err(reason)) => Finding::Bad(reason),
            Err(_) => Finding::Bad(format!("no answer to a probe within {limit:?}")),
        }
    }

    pub(super) fn probed(&self, place: usize, found: Finding) {
        let endpoint = &self.endpoints[place];
        let state = &endpoint.state;
        let (upstream, url) = (&*self.upstream, &*endpoint.url);
        let is_good = match &found {
            Finding::Unknown(reason) => {
                // Told once: it is asked again and again.
                if state.cannot_be_probed(Some(reason)) {
                    tracing::warn!(
                        upstream,
                        endpoint = url,
                        reason,
                        "nothing is known of an endpoint: it cannot be probed"
                    );
                }
                return;
            }
            Finding::Good => true,
            Finding::Bad(_) => false,
        };
        state.cannot_be_probed(None);
        let changed = state.health.probed(is_good, self.clock.now(), self.health);
        match (changed, found) {
            (Some(true), Finding::Bad(error)) => {
                let members =
                    json!({"upstream": upstream, "endpoint": url, "healthy": false, "error": error});
                self.events.tell("endpoint.health_changed", members);
                tracing::warn!(
                    upstream,
                    endpoint = url,
                    error,
                    "an endpoint is taken out: probes of it fail"
                );
                state.note(error);
            }
            (Some(false), _) => {
                let members = json!({"upstream": upstream, "endpoint": url, "healthy": true});
                self.events.tell("endpoint.health_changed", members);
                tracing::info!(
                    upstream,
                    endpoint = url,
                    "an endpoint is back: probes of it are good"
                );
                self.state.returned.notify_waiters();
            }
            _ => {}
        }
    }
}
