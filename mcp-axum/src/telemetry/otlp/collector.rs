//! The collector, and how it is sent to.

use crate::{
    client::http::{self as client, HttpClient},
    settings::OtlpSettings,
};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, Uri, header};
use http_body_util::Full;
use mcp_common::{backoff::Backoff, secret::ExposeSecret};
use std::{
    sync::{
        OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

/// What a collector says about a message that it took only a part of; nobody reads it.
const MOST_OF_AN_ANSWER: usize = 64 << 10;
/// Attempts for one message.
const ATTEMPTS: u32 = 3;
const FIRST_WAIT: Duration = Duration::from_millis(250);
const LONGEST_WAIT: Duration = Duration::from_secs(2);

pub(super) struct Collector {
    pub(super) traces: Option<Uri>,
    pub(super) metrics: Option<Uri>,
    headers: HeaderMap,
    client: OnceLock<HttpClient>,
    /// The last message was not taken: the log says it once.
    is_away: AtomicBool,
}

impl Collector {
    pub(super) fn new(settings: &OtlpSettings) -> Self {
        // Checked when the settings were read.
        let mut headers: HeaderMap = settings
            .headers
            .iter()
            .filter_map(|(name, value)| {
                let mut value = HeaderValue::from_str(value.expose_secret()).ok()?;
                value.set_sensitive(true);
                Some((name.parse::<HeaderName>().ok()?, value))
            })
            .collect();
        let own = HeaderValue::from_static("application/x-protobuf");
        headers.insert(header::CONTENT_TYPE, own);
        let agent = HeaderValue::from_static(concat!("dynmcp/", env!("CARGO_PKG_VERSION")));
        headers.insert(header::USER_AGENT, agent);
        Self {
            traces: settings.place("/v1/traces"),
            metrics: settings.place("/v1/metrics"),
            headers,
            client: OnceLock::new(),
            is_away: AtomicBool::new(false),
        }
    }

    /// Whether it was taken, after some attempts within this time each.
    pub(super) async fn send(&self, to: Option<&Uri>, body: Vec<u8>, patience: Duration) -> Result<(), ()> {
        let Some(to) = to else { return Err(()) };
        let body = Bytes::from(body);
        let mut waits = Backoff::between(FIRST_WAIT, LONGEST_WAIT);
        let mut attempts = 0;
        loop {
            attempts += 1;
            let attempt = tokio::time::timeout(patience, self.attempt(to, body.clone()));
            let error = match attempt.await {
                Ok(Ok(())) => {
                    if self.is_away.swap(false, Ordering::Relaxed) {
                        tracing::info!(collector = %to, "the collector takes spans and metrics again");
                    }
                    return Ok(());
                }
                Ok(Err(error)) => error,
                Err(_) => (true, format!("no answer within {patience:?}")),
            };
            let (is_worth_another, reason) = error;
            if !is_worth_another || attempts >= ATTEMPTS {
                if !self.is_away.swap(true, Ordering::Relaxed) {
                    tracing::warn!(collector = %to, reason, "the collector does not take spans and metrics");
                }
                return Err(());
            }
            tokio::time::sleep(waits.next_wait()).await;
        }
    }

    /// Why it was not taken, and whether that may be different in a moment.
    async fn attempt(&self, to: &Uri, body: Bytes) -> Result<(), (bool, String)> {
        let client = match self.client.get() {
            Some(client) => client,
            None => {
                let client = client::client().map_err(|error| (false, error.to_string()))?;
                self.client.get_or_init(|| client)
            }
        };
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = to.clone();
        *request.headers_mut() = self.headers.clone();
        let answered = client::send(client, request, Duration::MAX).await;
        let answer = answered.map_err(|error| (true, error.to_string()))?;
        let status = answer.status();
        // Read, so that the connection can be used again.
        let _said = client::body(to, answer.into_body(), MOST_OF_AN_ANSWER).await;
        if status.is_success() {
            return Ok(());
        }
        // OTLP/HTTP, "Failures": these alone are worth another attempt.
        let is_passing = matches!(
            status,
            StatusCode::TOO_MANY_REQUESTS
                | StatusCode::BAD_GATEWAY
                | StatusCode::SERVICE_UNAVAILABLE
                | StatusCode::GATEWAY_TIMEOUT
        );
        Err((is_passing, format!("it answers {status}")))
    }
}
