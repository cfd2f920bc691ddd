//! Documents that the configuration names by URL: got with the connections of upstreams, to addresses that the gateway may call.

use super::HubSettings;
use crate::connect::{self, ConnectSettings, Connector, Policy};
use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderName, HeaderValue, Request, StatusCode, Uri, header};
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper_util::{
    client::legacy::Client,
    rt::{TokioExecutor, TokioTimer},
};
use mcp_common::{
    discovery::{self, Fetched, Page},
    problem::innermost_cause,
    secret::ExposeSecret,
};
use std::{sync::Arc, time::Duration};

/// Longer ways lead nowhere.
const MOST_REDIRECTS: usize = 3;
/// The time for a connection.
const CONNECT: Duration = Duration::from_secs(5);
/// Connections that nobody uses are kept for this time.
const IDLE: Duration = Duration::from_secs(60);

/// A client for such documents.
pub struct Pages {
    client: Client<Connector, Empty<Bytes>>,
    via: Option<HeaderValue>,
}

impl Pages {
    /// With the rules and the authorities of upstreams.
    pub fn new(settings: &HubSettings) -> Self {
        let connecting = ConnectSettings {
            egress: Arc::new(Policy {
                gateway: settings.egress.clone(),
                own: None,
            }),
            server_name: None,
            timeout: CONNECT,
        };
        let tls = settings.trust.special(None, None);
        Self {
            client: Client::builder(TokioExecutor::new())
                .pool_timer(TokioTimer::new())
                .timer(TokioTimer::new())
                .pool_idle_timeout(IDLE)
                .build(Connector::new(connecting, tls, None)),
            via: settings.via.as_ref().map(|via| via.value(None)),
        }
    }

    async fn fetch(&self, page: &Page<'_>) -> Result<Fetched, String> {
        let mut at: Uri = page
            .url
            .parse()
            .map_err(|_| format!("`{}` is no URL", page.url))?;
        let mut may_show = true;
        for _ in 0..=MOST_REDIRECTS {
            let response = self.client.request(self.request(page, &at, may_show)?).await;
            let response = response.map_err(|error| connect::sending(&at, &error).text)?;
            let status = response.status();
            if status == StatusCode::NOT_MODIFIED && page.known.is_some() {
                return Ok(Fetched::Same);
            }
            if status.is_success() {
                let (parts, body) = response.into_parts();
                let body = whole(body, page.max_bytes).await;
                let body = body.map_err(|reason| format!("the answer of {at} {reason}"))?;
                return Ok(Fetched::Page {
                    body,
                    headers: parts.headers,
                });
            }
            let location = text(response.headers(), header::LOCATION).filter(|_| status.is_redirection());
            let Some(location) = location else {
                return Err(format!("{at} answered {status}"));
            };
            let next = next(&at, &location)?;
            // What is shown to one server is not for another.
            may_show &= next.authority() == at.authority() && next.scheme() == at.scheme();
            at = next;
        }
        Err(format!("{} redirects more than {MOST_REDIRECTS} times", page.url))
    }

    fn request(&self, page: &Page<'_>, at: &Uri, may_show: bool) -> Result<Request<Empty<Bytes>>, String> {
        let mut request = Request::get(at.clone())
            .header(header::ACCEPT, "application/json")
            .header(header::USER_AGENT, concat!("dynmcp/", env!("CARGO_PKG_VERSION")));
        if let Some(via) = &self.via {
            request = request.header(header::VIA, via);
        }
        if let Some(known) = page.known {
            request = request.header(header::IF_NONE_MATCH, known);
        }
        for (name, value) in page.headers.iter().filter(|_| may_show) {
            request = request.header(name.as_str(), value.expose_secret());
        }
        request
            .body(Empty::new())
            .map_err(|error| format!("no request can be made for {at}: {error}"))
    }
}

#[async_trait]
impl discovery::Pages for Pages {
    async fn get(&self, page: Page<'_>) -> Result<Fetched, String> {
        match tokio::time::timeout(page.timeout, self.fetch(&page)).await {
            Ok(fetched) => fetched,
            Err(_) => Err(format!("{} did not answer within {:?}", page.url, page.timeout)),
        }
    }
}

fn text(headers: &HeaderMap, name: HeaderName) -> Option<String> {
    Some(headers.get(name)?.to_str().ok()?.to_owned())
}

/// Never away from https, where what was asked for was not to be read or changed by others.
fn next(at: &Uri, location: &str) -> Result<Uri, String> {
    let wrong = || format!("{at} redirects to `{location}`, where nothing is got from");
    let base = url::Url::parse(&at.to_string()).map_err(|_| wrong())?;
    let target = base.join(location).map_err(|_| wrong())?;
    let is_web = matches!(target.scheme(), "http" | "https");
    if !is_web || (base.scheme() == "https" && target.scheme() != "https") {
        return Err(wrong());
    }
    target
        .as_str()
        .split('#')
        .next()
        .unwrap_or_default()
        .parse()
        .map_err(|_| wrong())
}

async fn whole(mut body: Incoming, most: usize) -> Result<Bytes, String> {
    let mut whole = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| format!("ended early: {}", innermost_cause(&error)))?;
        let Ok(data) = frame.into_data() else { continue };
        if whole.len() + data.len() > most {
            return Err(format!("has more than {most} bytes (max_bytes)"));
        }
        whole.extend_from_slice(&data);
    }
    Ok(whole.freeze())
}
