//! The collector, and how it is sent to.

use super::wire::Taken;
use crate::{
    client::http::{self as client, HttpClient},
    settings::OtlpSettings,
};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, Uri, header};
use http_body_util::Full;
use mcp_common::{backoff::Backoff, secret::ExposeSecret};
use prost::Message;
use std::{
    sync::{
        OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

/// What a collector says about a message.
const MOST_OF_AN_ANSWER: usize = 64 << 10;
/// What of that is in the log.
const MOST_WORDS: usize = 300;
/// Attempts for one message.
pub(super) const ATTEMPTS: u32 = 3;
const FIRST_WAIT: Duration = Duration::from_millis(250);
const LONGEST_WAIT: Duration = Duration::from_secs(2);
/// A collector that wants more peace (`Retry-After`) has this much.
const LONGEST_PEACE: Duration = Duration::from_secs(30);

pub(super) struct Collector {
    pub(super) traces: Option<Uri>,
    pub(super) metrics: Option<Uri>,
    headers: HeaderMap,
    client: OnceLock<HttpClient>,
    /// The last message was not taken: the log says it once.
    is_away: AtomicBool,
    /// It has not taken the whole of a message with spans, or with metrics: the log says each once.
    is_choosy: [AtomicBool; 2],
}

/// Why a message was not taken.
struct NotTaken {
    reason: String,
    /// It may be different in a moment.
    is_passing: bool,
    /// How long that takes, where the collector says it.
    peace: Option<Duration>,
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
            is_choosy: Default::default(),
        }
    }

    /// How much of it was refused, if it was taken after so many attempts within this time each.
    pub(super) async fn send(
        &self,
        to: Option<&Uri>,
        body: Bytes,
        (patience, most): (Duration, u32),
    ) -> Result<u64, ()> {
        let Some(to) = to else { return Err(()) };
        let mut waits = Backoff::between(FIRST_WAIT, LONGEST_WAIT);
        let mut attempts = 0;
        loop {
            attempts += 1;
            let attempt = tokio::time::timeout(patience, self.attempt(to, body.clone()));
            let error = match attempt.await {
                Ok(Ok(taken)) => {
                    if self.is_away.swap(false, Ordering::Relaxed) {
                        tracing::info!(collector = %to, "the collector takes spans and metrics again");
                    }
                    return Ok(self.refused(to, taken));
                }
                Ok(Err(error)) => error,
                Err(_) => NotTaken::passing(format!("no answer within {patience:?}")),
            };
            if !error.is_passing || attempts >= most {
                if !self.is_away.swap(true, Ordering::Relaxed) {
                    let reason = error.reason;
                    tracing::warn!(collector = %to, reason, "the collector does not take spans and metrics");
                }
                return Err(());
            }
            let peace = error.peace.unwrap_or_default().min(LONGEST_PEACE);
            tokio::time::sleep(waits.next_wait().max(peace)).await;
        }
    }

    fn refused(&self, to: &Uri, taken: Taken) -> u64 {
        let Some(partly) = taken.partly else { return 0 };
        let refused = u64::try_from(partly.refused).unwrap_or_default();
        let reason = partly.reason.chars().filter(|c| !c.is_control());
        let reason: String = reason.take(MOST_WORDS).collect();
        if refused == 0 {
            // A remark, which is not to keep a refusal out of the log.
            tracing::debug!(collector = %to, reason, "the collector has taken all, and says something of it");
            return 0;
        }
        let is_of_metrics = Some(to) == self.metrics.as_ref();
        if !self.is_choosy[usize::from(is_of_metrics)].swap(true, Ordering::Relaxed) {
            tracing::warn!(collector = %to, refused, reason, "the collector does not take all of what it is sent; further ones are counted");
        }
        refused
    }

    /// What it says, or why it was not taken.
    async fn attempt(&self, to: &Uri, body: Bytes) -> Result<Taken, NotTaken> {
        let client = match self.client.get() {
            Some(client) => client,
            None => {
                let client = client::client().map_err(|error| NotTaken::for_good(error.to_string()))?;
                self.client.get_or_init(|| client)
            }
        };
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = to.clone();
        *request.headers_mut() = self.headers.clone();
        let answered = client::send(client, request, Duration::MAX).await;
        let answer = answered.map_err(|error| NotTaken::passing(error.to_string()))?;
        let (status, peace) = (answer.status(), peace(answer.headers()));
        // Read in any case, so that the connection can be used again.
        let said = client::body(to, answer.into_body(), MOST_OF_AN_ANSWER).await;
        if status.is_success() {
            // One that answers with something else has taken it nevertheless.
            let taken = said.ok().and_then(|said| Taken::decode(said).ok());
            return Ok(taken.unwrap_or_default());
        }
        // OTLP/HTTP, "Failures": these alone are worth another attempt.
        let is_passing = matches!(
            status,
            StatusCode::TOO_MANY_REQUESTS
                | StatusCode::BAD_GATEWAY
                | StatusCode::SERVICE_UNAVAILABLE
                | StatusCode::GATEWAY_TIMEOUT
        );
        Err(NotTaken {
            reason: format!("it answers {status}"),
            is_passing,
            peace,
        })
    }
}

impl NotTaken {
    fn passing(reason: String) -> Self {
        Self {
            reason,
            is_passing: true,
            peace: None,
        }
    }

    fn for_good(reason: String) -> Self {
        Self {
            is_passing: false,
            ..Self::passing(reason)
        }
    }
}

/// In seconds; a date is passed over.
fn peace(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers
        .get(header::RETRY_AFTER)?
        .to_str()
        .ok()?
        .trim()
        .parse()
        .ok()?;
    Some(Duration::from_secs(seconds))
}
