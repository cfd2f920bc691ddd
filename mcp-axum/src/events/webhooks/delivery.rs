//! Tells one receiver of one event after the other.

use super::signature;
use crate::{events::written_as_json, settings::WebhookSettings, telemetry::metrics::OneWebhook};
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, Request, header};
use http_body_util::Full;
use mcp_common::{
    backoff::Backoff,
    events::{Event, Events, Wanted},
};
use mcp_core::engine::Engine;
use serde_json::json;
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use tokio_util::sync::CancellationToken;

/// The first wait before an event is told again, and the longest.
const FIRST_WAIT: Duration = Duration::from_millis(500);
const LONGEST_WAIT: Duration = Duration::from_secs(60);
/// How long all that is left may take while the gateway ends.
const LAST_TIME: Duration = Duration::from_secs(2);

const ID: HeaderName = HeaderName::from_static("webhook-id");
const TIMESTAMP: HeaderName = HeaderName::from_static("webhook-timestamp");
const SIGNATURE: HeaderName = HeaderName::from_static("webhook-signature");

pub(super) struct Delivery {
    pub(super) settings: WebhookSettings,
    pub(super) engine: Engine,
    pub(super) events: Events,
    pub(super) draining: CancellationToken,
    pub(super) metrics: OneWebhook,
    /// In ids of messages.
    pub(super) process: Arc<str>,
    /// The number of the last event that is done with.
    pub(super) position: Arc<AtomicU64>,
}

impl Delivery {
    /// Until the gateway ends and its last event is told, or the time for that is over.
    pub(super) async fn run(self) {
        // Checked when the settings were read.
        let Ok(wanted) = Wanted::new(self.settings.types.iter()) else {
            return;
        };
        let over = async {
            self.draining.cancelled().await;
            tokio::time::sleep(LAST_TIME).await;
        };
        tokio::select! {
            () = self.tell_all(&wanted) => {}
            () = over => self.give_up_the_rest(&wanted),
        }
    }

    async fn tell_all(&self, wanted: &Wanted) {
        loop {
            let since = self.position.load(Ordering::Relaxed);
            tokio::select! {
                biased;
                () = self.events.after(since) => {}
                () = self.draining.cancelled() => return,
            }
            let news = self.events.since(since);
            if news.missed > 0 {
                self.metrics.lost.inc_by(news.missed);
                let (webhook, events) = (self.settings.name(), news.missed);
                tracing::warn!(
                    webhook,
                    events,
                    "a webhook is too slow and is not told of some events"
                );
            }
            // One at a time: whatever the ring does not keep meanwhile is missed, and no more is held here. What is not wanted is done with at once.
            let next = news.events.iter().find(|event| wanted.has(event.kind));
            let Some(done) = next.or(news.events.last()).cloned() else {
                return;
            };
            let is_wanted = next.is_some();
            drop(news);
            if is_wanted {
                self.tell(&done).await;
            }
            self.position.store(done.number, Ordering::Relaxed);
        }
    }

    fn give_up_the_rest(&self, wanted: &Wanted) {
        let news = self.events.since(self.position.load(Ordering::Relaxed));
        self.metrics.lost.inc_by(news.missed);
        let events = news.events.iter().filter(|event| wanted.has(event.kind)).count() as u64;
        if events > 0 {
            self.metrics.given_up.inc_by(events);
            let webhook = self.settings.name();
            tracing::warn!(
                webhook,
                events,
                "the gateway ends before a webhook is told of all events"
            );
        }
    }

    async fn tell(&self, event: &Event) {
        let id = format!("evt_{}_{}", self.process, event.number);
        let written = written_as_json(event);
        let body = json!({"type": event.kind, "timestamp": written["at"], "data": written}).to_string();
        let mut waits = Backoff::between(FIRST_WAIT, LONGEST_WAIT);
        let mut attempts = 0;
        loop {
            attempts += 1;
            let error = match self.attempt(&id, &body).await {
                Ok(()) => {
                    self.metrics.delivered.inc();
                    return;
                }
                Err(error) => error,
            };
            self.metrics.failed.inc();
            let webhook = self.settings.name();
            let is_over = attempts >= self.settings.attempts || self.draining.is_cancelled();
            if is_over {
                self.metrics.given_up.inc();
                tracing::warn!(
                    webhook,
                    event = event.number,
                    kind = event.kind,
                    attempts,
                    error,
                    "a webhook is not told of an event"
                );
                return;
            }
            tracing::debug!(webhook, event = event.number, error, "a webhook is told again");
            tokio::select! {
                () = tokio::time::sleep(waits.next_wait()) => {}
                // Once more, at once.
                () = self.draining.cancelled() => {}
            }
        }
    }

    /// Any status of success says that it was understood.
    async fn attempt(&self, id: &str, body: &str) -> Result<(), String> {
        let timestamp = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default()
            .as_secs();
        let mut request = Request::new(Full::new(Bytes::from(body.to_owned())));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self
            .settings
            .url
            .parse()
            .map_err(|_| "its URL is none".to_owned())?;
        let headers = request.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(
            header::USER_AGENT,
            HeaderValue::from_static(concat!("dynmcp/", env!("CARGO_PKG_VERSION"))),
        );
        let mut insert = |name, text: String| {
            if let Ok(value) = HeaderValue::try_from(text) {
                headers.insert(name, value);
            }
        };
        insert(ID, id.to_owned());
        insert(TIMESTAMP, timestamp.to_string());
        if let Some(secret) = signature::secret(&self.settings)? {
            insert(SIGNATURE, signature::of(&secret, id, timestamp, body));
        }
        let patience = Duration::from_millis(self.settings.timeout_ms);
        let status = self.engine.send_once(request, patience).await?;
        match (200..300).contains(&status) {
            true => Ok(()),
            false => Err(format!("it answered with the status {status}")),
        }
    }
}
