//! The way to the service: requests with a token and within bounds, answers read as a whole or not at all.

use super::{settings::HttpSettings, trouble};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, Uri, header, request};
use http_body_util::{BodyExt, Full, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use mcp_common::{
    datasource::SourceError,
    key::Key,
    plugin::PluginError,
    secret::{ExposeSecret, Secret},
};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use std::time::Duration;

/// Dots too: an id may be `..`.
const IN_PATH: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_');

/// What the service said about its definitions.
pub(super) enum Polled {
    /// 304: the ones that are known.
    Same,
    /// 200: these.
    New {
        /// To ask with the next time.
        etag: Option<HeaderValue>,
        body: Bytes,
    },
}

/// An answer, read to its end.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

pub(super) struct Endpoint {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    url: Uri,
    authorization: Option<HeaderValue>,
    timeout: Duration,
    max_bytes: usize,
}

impl Endpoint {
    pub(super) fn new(settings: HttpSettings) -> Result<Self, PluginError> {
        let connector = HttpsConnectorBuilder::new()
            .with_provider_and_native_roots(rustls::crypto::ring::default_provider())
            .map_err(|error| {
                PluginError::Start(format!("the certificate authorities cannot be read: {error}"))
            })?
            .https_or_http()
            .enable_http1()
            .build();
        Ok(Self {
            client: Client::builder(TokioExecutor::new()).build(connector),
            authorization: settings.token.as_ref().map(bearer).transpose()?,
            url: settings.url,
            timeout: settings.timeout,
            max_bytes: settings.max_bytes,
        })
    }

    /// Whether the service is there and lets us in. `*` matches every ETag, so it has nothing to send; what it sends
    /// all the same is not read.
    pub(super) async fn knock(&self) -> Result<(), SourceError> {
        let request = Request::get(&self.url).header(header::IF_NONE_MATCH, "*");
        let knock = self.client.request(self.finish(request, Bytes::new())?);
        let answer = self.in_time(async { knock.await.map_err(|error| trouble::connection(self, &error)) });
        match answer.await?.status() {
            StatusCode::OK | StatusCode::NOT_MODIFIED => Ok(()),
            status => Err(trouble::status(self, status)),
        }
    }

    /// The definitions, unless they are the ones of the ETag.
    pub(super) async fn poll(&self, etag: Option<&HeaderValue>) -> Result<Polled, SourceError> {
        let mut request = Request::get(&self.url).header(header::CACHE_CONTROL, "no-cache");
        if let Some(etag) = etag {
            request = request.header(header::IF_NONE_MATCH, etag);
        }
        let answer = self.ask(request, Bytes::new()).await?;
        match answer.status {
            StatusCode::NOT_MODIFIED => Ok(Polled::Same),
            StatusCode::OK => Ok(Polled::New {
                etag: answer.headers.get(header::ETAG).cloned(),
                body: answer.body,
            }),
            status => Err(trouble::status(self, status)),
        }
    }

    /// A request about one definition: its address, or one below it.
    pub(super) fn about(&self, method: Method, key: &Key, below: &str) -> request::Builder {
        let (base, query) = (self.url.path().trim_end_matches('/'), self.url.query());
        let (kind, id) = (key.kind.path_segment(), utf8_percent_encode(&key.id, IN_PATH));
        let mut path = format!("{base}/{kind}/{id}{below}");
        if let Some(query) = query {
            path.push(if below.contains('?') { '&' } else { '?' });
            path.push_str(query);
        }
        let mut url = self.url.clone().into_parts();
        url.path_and_query = path.parse().ok();
        Request::builder()
            .method(method)
            .uri(Uri::from_parts(url).unwrap_or_default())
    }

    /// Sends it and reads the answer, within the time and the size that are allowed.
    pub(super) async fn ask(&self, request: request::Builder, body: Bytes) -> Result<Answer, SourceError> {
        let request = self.finish(request, body)?;
        self.in_time(async {
            let answer = self.client.request(request).await;
            let (head, body) = answer
                .map_err(|error| trouble::connection(self, &error))?
                .into_parts();
            let body = Limited::new(body, self.max_bytes).collect().await;
            Ok(Answer {
                status: head.status,
                headers: head.headers,
                body: body.map_err(|error| trouble::body(self, &*error))?.to_bytes(),
            })
        })
        .await
    }

    async fn in_time<T>(&self, work: impl Future<Output = Result<T, SourceError>>) -> Result<T, SourceError> {
        let late = |_| {
            let limit = self.timeout.as_millis();
            self.odd(&format!("did not answer within {limit} ms"))
        };
        tokio::time::timeout(self.timeout, work).await.map_err(late)?
    }

    fn finish(
        &self,
        mut request: request::Builder,
        body: Bytes,
    ) -> Result<Request<Full<Bytes>>, SourceError> {
        if let Some(authorization) = &self.authorization {
            request = request.header(header::AUTHORIZATION, authorization);
        }
        request
            .header(header::ACCEPT, "application/json")
            .header(
                header::USER_AGENT,
                concat!("dynmcp-http/", env!("CARGO_PKG_VERSION")),
            )
            .body(Full::new(body))
            .map_err(|error| SourceError::Broken(format!("no request can be made of it: {error}")))
    }

    /// A fault that may pass, told about the address without its query.
    pub(super) fn odd(&self, what: &str) -> SourceError {
        SourceError::Unavailable(format!("{} {what}", self.shown()))
    }

    /// The address as people may see it.
    pub(super) fn shown(&self) -> String {
        let text = self.url.to_string();
        text.split('?').next().unwrap_or_default().to_owned()
    }

    pub(super) fn max_bytes(&self) -> usize {
        self.max_bytes
    }
}

fn bearer(token: &Secret) -> Result<HeaderValue, PluginError> {
    let mut value = HeaderValue::try_from(format!("Bearer {}", token.expose_secret())).map_err(|_| {
        PluginError::Setting {
            key: "data_source.http.token".to_owned(),
            reason: "has characters that cannot stand in a header".to_owned(),
        }
    })?;
    value.set_sensitive(true);
    Ok(value)
}
