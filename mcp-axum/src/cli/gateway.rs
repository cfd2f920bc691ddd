//! A running gateway's admin API, for the commands that take `--server`.

use super::{Failure, http as client};
use bytes::Bytes;
use clap::Args;
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, header};
use http_body_util::Full;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use std::time::Duration;

/// Of an answer: a report over the largest document.
const MAX_ANSWER: usize = 64 * 1024 * 1024;

/// A tool may take an hour (`timeout_ms`), and so may what the store is given.
const PATIENCE: Duration = Duration::from_secs(3_660);

/// Which gateway; without it a command works on the configured data source.
#[derive(Args, Clone)]
pub(super) struct GatewayArguments {
    /// Work on this running gateway, not on the configured data source.
    #[arg(long, value_name = "URL", requires = "key")]
    server: Option<String>,
    /// An admin's key of that gateway.
    #[arg(long, env = "DYNMCP_KEY", hide_env_values = true)]
    key: Option<String>,
}

impl GatewayArguments {
    /// `None` without `--server`.
    pub(super) fn gateway(&self) -> Result<Option<Gateway>, Failure> {
        let Some(server) = &self.server else {
            return Ok(None);
        };
        Gateway::new(server, self.key.as_deref().unwrap_or_default()).map(Some)
    }
}

/// Where requests go, and with which key.
pub(super) struct Gateway {
    server: String,
    /// Absent for an anonymous caller.
    authorization: Option<HeaderValue>,
    client: client::HttpClient,
}

/// What the gateway answered, whatever the status.
pub(super) struct Answer {
    /// Of HTTP.
    pub(super) status: StatusCode,
    /// Whole.
    pub(super) body: Bytes,
}

/// The envelope of the admin API.
#[derive(serde::Deserialize)]
struct Envelope {
    data: Option<Box<RawValue>>,
    error: Option<String>,
}

impl Gateway {
    /// `server` is its origin, with a path in front of `/admin` where there is one.
    pub(super) fn new(server: &str, key: &str) -> Result<Self, Failure> {
        let mut authorization = HeaderValue::try_from(format!("Bearer {key}")).map_err(|_| {
            Failure::configuration("--key: a key is visible ASCII characters on one line; this has others")
        })?;
        authorization.set_sensitive(true);
        Ok(Self {
            authorization: Some(authorization),
            ..Self::anonymous(server)?
        })
    }

    /// Without a key, for what may be used without one.
    pub(super) fn anonymous(server: &str) -> Result<Self, Failure> {
        Ok(Self {
            server: server.trim_end_matches('/').to_owned(),
            authorization: None,
            client: client::client()?,
        })
    }

    /// Sends `body` to `path`, which begins with a slash and may have a query.
    pub(super) async fn send(
        &self,
        method: Method,
        path: &str,
        headers: HeaderMap,
        body: impl Into<Bytes>,
    ) -> Result<Answer, Failure> {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.server))
            .body(Full::from(body.into()))
            .map_err(|error| Failure::configuration(format_args!("--server {}: {error}", self.server)))?;
        *request.headers_mut() = headers;
        if let Some(authorization) = self.authorization.clone() {
            request.headers_mut().insert(header::AUTHORIZATION, authorization);
        }
        let response = client::send(&self.client, request, PATIENCE).await?;
        let (parts, body) = response.into_parts();
        Ok(Answer {
            status: parts.status,
            body: client::body(&self.server, body, MAX_ANSWER).await?,
        })
    }

    /// The `data` of an answer of the admin API; its `error` where it has none.
    pub(super) fn data<T: DeserializeOwned>(&self, answer: &Answer) -> Result<T, Failure> {
        let foreign = || {
            let (server, status) = (&self.server, answer.status);
            Failure::runtime(format_args!(
                "{server}: answered {status}, which is no gateway's answer"
            ))
        };
        let envelope: Envelope = serde_json::from_slice(&answer.body).map_err(|_| foreign())?;
        match envelope {
            Envelope { data: Some(data), .. } => serde_json::from_str(data.get()).map_err(|_| foreign()),
            Envelope { error, .. } => {
                let error = error.unwrap_or_else(|| answer.status.to_string());
                Err(Failure::runtime(format_args!("{}: {error}", self.server)))
            }
        }
    }
}
