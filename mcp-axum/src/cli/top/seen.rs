//! Asks the gateway: its metrics, its status, its upstreams, what is in quarantine.

use super::figures::{Figures, Sample};
use crate::client::{ClientError, Gateway};
use http::StatusCode;
use serde::{
    Deserialize,
    de::{DeserializeOwned, IgnoredAny},
};
use std::{collections::VecDeque, time::Instant};

/// Rates are over so many looks, so that they can be read.
const LOOKS: usize = 10;

/// One gateway, looked at again and again.
pub(super) struct Watch<'a> {
    gateway: &'a Gateway,
    samples: VecDeque<Sample>,
}

/// What there was to see.
#[derive(Default)]
pub(super) struct Seen {
    pub(super) figures: Figures,
    /// Why there are none.
    pub(super) unmeasured: Option<String>,
    /// Requests per second since the last look.
    pub(super) latest: f64,
    pub(super) status: Status,
    pub(super) upstreams: Vec<Upstream>,
    pub(super) quarantine: Vec<Quarantined>,
    /// Of one upstream.
    pub(super) logs: Vec<LogLine>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Status {
    pub(super) version: String,
    pub(super) started_at: String,
    pub(super) source: String,
    pub(super) revision: u64,
    pub(super) stale: bool,
    pub(super) ready: bool,
    pub(super) definitions: serde_json::Map<String, serde_json::Value>,
    pub(super) tasks: Vec<Task>,
}

#[derive(Deserialize)]
pub(super) struct Task {
    pub(super) name: String,
    pub(super) restarts: u64,
    pub(super) in_trouble: bool,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Upstream {
    pub(super) id: String,
    pub(super) state: String,
    pub(super) transport: String,
    pub(super) protocol: Option<String>,
    pub(super) tools: u64,
    pub(super) resources: u64,
    pub(super) prompts: u64,
    pub(super) attempts: u64,
    pub(super) last_error: Option<String>,
    pub(super) next_attempt_ms: Option<u64>,
}

#[derive(Deserialize)]
pub(super) struct Quarantined {
    pub(super) kind: Option<String>,
    pub(super) id: String,
    pub(super) revision: u64,
    pub(super) serving_revision: Option<u64>,
    pub(super) reason: String,
}

#[derive(Deserialize)]
pub(super) struct LogLine {
    pub(super) at: String,
    pub(super) text: String,
}

impl<'a> Watch<'a> {
    pub(super) fn new(gateway: &'a Gateway) -> Self {
        Self {
            gateway,
            samples: VecDeque::new(),
        }
    }

    /// Looks; with the log of one upstream, if one is named.
    pub(super) async fn look(&mut self, upstream: Option<&str>) -> Result<Seen, ClientError> {
        let metrics = self.gateway.get("/metrics").await?;
        let mut seen = Seen::default();
        if metrics.status.is_success() {
            let now = Sample::read(&String::from_utf8_lossy(&metrics.body), Instant::now());
            (seen.figures, seen.latest) = self.measured(now);
        } else {
            // The refusal says what is wrong with the key; a key that may not read figures may read the rest.
            let refused = self.gateway.data::<IgnoredAny>(&metrics).err();
            match refused {
                Some(refusal) if metrics.status == StatusCode::FORBIDDEN => {
                    seen.unmeasured = Some(refusal.to_string());
                }
                Some(refusal) => return Err(refusal),
                None => {}
            }
        }
        let logs = match upstream {
            Some(id) => self
                .data(&format!("/admin/uds/{id}/logs"))
                .await
                .unwrap_or_default(),
            None => Vec::new(),
        };
        Ok(Seen {
            status: self.data("/admin/status").await?,
            upstreams: self.data("/admin/upstreams").await?,
            quarantine: self.data("/admin/quarantine").await?,
            logs,
            ..seen
        })
    }

    /// What was done since the first look that is remembered, and the requests per second since the last one.
    fn measured(&mut self, now: Sample) -> (Figures, f64) {
        let last = self.samples.back();
        let latest = last.map_or(0.0, |last| Figures::between(last, &now).requests);
        let oldest = self.samples.front().unwrap_or(&now);
        let figures = Figures::between(oldest, &now);
        self.samples.push_back(now);
        if self.samples.len() > LOOKS {
            self.samples.pop_front();
        }
        (figures, latest)
    }

    async fn data<T: DeserializeOwned>(&self, path: &str) -> Result<T, ClientError> {
        let answer = self.gateway.get(path).await?;
        self.gateway.data(&answer)
    }
}
