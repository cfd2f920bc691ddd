//! `[otlp]`: who is told of spans and metrics, in OpenTelemetry's protocol.

use super::SettingsError;
use http::{HeaderName, HeaderValue, Uri};
use mcp_common::secret::{ExposeSecret, Secret};
use serde::{Deserialize, Serialize, Serializer};
use std::{collections::BTreeMap, time::Duration};

const LONGEST_MS: u64 = 60_000;
const LONGEST_SECONDS: u64 = 3_600;

/// `[otlp]`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct OtlpSettings {
    /// The collector's URL, without `/v1/traces` and `/v1/metrics`; without one nobody is told.
    #[serde(
        deserialize_with = "super::sections::unset_if_empty",
        serialize_with = "super::sections::empty_if_unset"
    )]
    pub endpoint: Option<String>,
    /// Whether spans are sent.
    pub traces: bool,
    /// Whether metrics are.
    pub metrics: bool,
    /// Which part of the traces that begin here is sent, 0 to 1.
    pub sample: f64,
    /// How often metrics are sent.
    pub metrics_seconds: u64,
    /// How long the collector may take.
    pub timeout_ms: u64,
    /// `service.name`.
    pub service_name: String,
    /// Headers of what is sent.
    #[serde(default, serialize_with = "names")]
    pub headers: BTreeMap<String, Secret>,
}

/// Says that there is one, nothing else.
fn names<S: Serializer>(headers: &BTreeMap<String, Secret>, output: S) -> Result<S::Ok, S::Error> {
    output.collect_map(headers.keys().map(|name| (name, "***")))
}

impl OtlpSettings {
    /// How long the collector may take.
    pub fn patience(&self) -> Duration {
        Duration::from_millis(self.timeout_ms)
    }

    /// With the headers' values, for comparisons alone.
    pub(super) fn compared(&self) -> serde_json::Value {
        let exposed = self.headers.iter().map(|(name, value)| {
            let value: &str = value.expose_secret();
            (name.clone(), serde_json::Value::from(value))
        });
        serde_json::Value::Object(exposed.collect())
    }

    /// Where these are sent.
    pub fn place(&self, path: &str) -> Option<Uri> {
        let endpoint = self.endpoint.as_deref()?.trim_end_matches('/');
        format!("{endpoint}{path}").parse().ok()
    }
}

/// What is wrong with it.
pub(super) fn problems(otlp: &OtlpSettings) -> Vec<SettingsError> {
    let mut found = Vec::new();
    let mut note = |key: &str, is_fine: bool, reason: String| {
        if !is_fine {
            found.push(SettingsError::value(format!("otlp.{key}"), reason));
        }
    };
    let is_collector = |uri: &Uri| {
        let scheme = matches!(uri.scheme_str(), Some("http" | "https"));
        scheme && uri.query().is_none() && uri.authority().is_some_and(|a| !a.as_str().contains('@'))
    };
    let place = otlp.place("/v1/traces");
    note(
        "endpoint",
        otlp.endpoint.is_none() || place.as_ref().is_some_and(is_collector),
        "is no URL of a collector; write \"http://HOST:4318\", without credentials".to_owned(),
    );
    note(
        "sample",
        (0.0..=1.0).contains(&otlp.sample),
        "must be 0 to 1: the part of the traces that begin here".to_owned(),
    );
    note(
        "metrics_seconds",
        (1..=LONGEST_SECONDS).contains(&otlp.metrics_seconds),
        format!("must be 1 to {LONGEST_SECONDS}"),
    );
    note(
        "timeout_ms",
        (1..=LONGEST_MS).contains(&otlp.timeout_ms),
        format!("must be 1 to {LONGEST_MS}"),
    );
    note(
        "service_name",
        !otlp.service_name.trim().is_empty(),
        "must not be empty".to_owned(),
    );
    for (name, value) in &otlp.headers {
        let is_header =
            name.parse::<HeaderName>().is_ok() && HeaderValue::from_str(value.expose_secret()).is_ok();
        note(
            &format!("headers.{name}"),
            is_header,
            "is no name and value of a header".to_owned(),
        );
    }
    found
}
