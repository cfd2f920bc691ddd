//! One gateway: where requests go, and with which key; the envelope of its admin API.

use super::{ClientError, http as transport};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Uri, header};
use http_body_util::Full;
use hyper::body::Incoming;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::value::RawValue;
use std::time::Duration;

/// The most bytes of an answer: a report over the largest document.
const MAX_ANSWER: usize = 64 * 1024 * 1024;

/// A tool may take an hour (`timeout_ms`), and so may what the store is given.
const PATIENCE: Duration = Duration::from_secs(3_660);

/// A gateway that can be asked.
pub(crate) struct Gateway {
    server: String,
    /// Absent for an anonymous caller.
    authorization: Option<HeaderValue>,
    client: transport::HttpClient,
}

/// What the gateway answered, whatever the status.
pub(crate) struct Answer {
    /// The HTTP status.
    pub(crate) status: StatusCode,
    /// The whole body.
    pub(crate) body: Bytes,
}

/// The envelope of the admin API.
#[derive(serde::Deserialize)]
struct Envelope {
    data: Option<Box<RawValue>>,
    error: Option<String>,
    #[serde(default)]
    warnings: Vec<String>,
}

impl Answer {
    /// The warnings beside the data of an answer of the admin API.
    pub(crate) fn warnings(&self) -> Vec<String> {
        let envelope = serde_json::from_slice::<Envelope>(&self.body);
        envelope.map_or_else(|_| Vec::new(), |envelope| envelope.warnings)
    }
}

impl Gateway {
    /// `server` is its origin, with a path in front of `/admin` where there is one.
    pub(crate) fn new(server: &str, key: &str) -> Result<Self, ClientError> {
        let mut authorization =
            HeaderValue::try_from(format!("Bearer {key}")).map_err(|_| ClientError::Key)?;
        authorization.set_sensitive(true);
        Ok(Self {
            authorization: Some(authorization),
            ..Self::anonymous(server)?
        })
    }

    /// Without a key, for what may be used without one.
    pub(crate) fn anonymous(server: &str) -> Result<Self, ClientError> {
        Ok(Self {
            server: origin(server)?,
            authorization: None,
            client: transport::client()?,
        })
    }

    /// Sends `body` to `path`, which begins with a slash and may have a query.
    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        headers: HeaderMap,
        body: impl Into<Bytes>,
    ) -> Result<Answer, ClientError> {
        let response = self.open(method, path, headers, body).await?;
        let (parts, body) = response.into_parts();
        Ok(Answer {
            status: parts.status,
            body: transport::body(&self.server, body, MAX_ANSWER).await?,
        })
    }

    /// The same, for what reads the answer itself.
    pub(crate) async fn open(
        &self,
        method: Method,
        path: &str,
        headers: HeaderMap,
        body: impl Into<Bytes>,
    ) -> Result<Response<Incoming>, ClientError> {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.server))
            .body(Full::from(body.into()))
            .map_err(|error| ClientError::Server {
                server: self.server.clone(),
                reason: error.to_string(),
            })?;
        *request.headers_mut() = headers;
        if let Some(authorization) = self.authorization.clone() {
            request.headers_mut().insert(header::AUTHORIZATION, authorization);
        }
        transport::send(&self.client, request, PATIENCE).await
    }

    /// `GET`.
    pub(crate) async fn get(&self, path: &str) -> Result<Answer, ClientError> {
        self.send(Method::GET, path, HeaderMap::new(), "").await
    }

    /// Sends JSON.
    pub(crate) async fn send_json(
        &self,
        method: Method,
        path: &str,
        body: impl Into<Bytes>,
    ) -> Result<Answer, ClientError> {
        let json = HeaderValue::from_static("application/json");
        let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, json)]);
        self.send(method, path, headers, body).await
    }

    /// Sends a value as JSON and reads the data of the answer.
    pub(crate) async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        value: &impl Serialize,
    ) -> Result<T, ClientError> {
        let body = serde_json::to_vec(value).map_err(|error| ClientError::Protocol(error.to_string()))?;
        let answer = self.send_json(Method::POST, path, body).await?;
        self.data(&answer)
    }

    /// The `data` of an answer of the admin API; its `error` where it has none.
    pub(crate) fn data<T: DeserializeOwned>(&self, answer: &Answer) -> Result<T, ClientError> {
        let foreign = || ClientError::Foreign {
            server: self.server.clone(),
            status: answer.status,
        };
        let envelope: Envelope = serde_json::from_slice(&answer.body).map_err(|_| foreign())?;
        match envelope {
            Envelope { data: Some(data), .. } => serde_json::from_str(data.get()).map_err(|_| foreign()),
            Envelope { error, .. } => Err(ClientError::Refused {
                server: self.server.clone(),
                text: error.unwrap_or_else(|| answer.status.to_string()),
            }),
        }
    }
}

/// Without the slash at its end.
fn origin(server: &str) -> Result<String, ClientError> {
    let trimmed = server.trim_end_matches('/');
    let uri: Option<Uri> = trimmed.parse().ok();
    let is_http = uri.is_some_and(|uri| {
        matches!(uri.scheme_str(), Some("http" | "https")) && uri.host().is_some_and(|host| !host.is_empty())
    });
    if is_http {
        return Ok(trimmed.to_owned());
    }
    let reason = match server.contains("://") {
        false if !trimmed.is_empty() => format!("is no URL; write http://{trimmed}"),
        _ => "is no URL of a gateway; write http://HOST:PORT".to_owned(),
    };
    Err(ClientError::Server {
        server: server.to_owned(),
        reason,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_url_is_said_with_what_would_be_one() {
        assert_eq!(origin("http://h:1/base/").unwrap(), "http://h:1/base");
        let refused = |server: &str| origin(server).unwrap_err().to_string();
        assert_eq!(
            refused("localhost:8080"),
            "--server localhost:8080: is no URL; write http://localhost:8080"
        );
        assert_eq!(
            refused("127.0.0.1:8080"),
            "--server 127.0.0.1:8080: is no URL; write http://127.0.0.1:8080"
        );
        for wrong in ["", "ftp://h", "http://", "http:///x"] {
            assert!(refused(wrong).ends_with("write http://HOST:PORT"), "{wrong}");
        }
    }
}
