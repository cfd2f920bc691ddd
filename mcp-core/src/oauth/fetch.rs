//! Bounded requests to what belongs to authorization. An upstream may name any address as its authorization server, so what only it names is
//! called with https alone, and never in private networks or on the gateway's own machine, also where a proxy is on the way; hosts that the
//! operator named in the document are called as the upstream itself is. Redirects are not followed.

use super::error::OAuthError;
use crate::connect::{self, Connector, Hop, Policy, TroubleKind};
use bytes::{Bytes, BytesMut};
use http::{HeaderValue, Method, Request, StatusCode, Uri, header, uri::Scheme};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use serde::de::DeserializeOwned;
use std::{sync::Arc, time::Duration};

/// Pooled connections under one policy.
type HttpClient = Client<Connector, Full<Bytes>>;

/// The time for one request and its answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// A larger answer is none.
const MOST_BYTES: usize = 256 << 10;
/// What of a server's own words is repeated.
const MOST_WORDS: usize = 300;

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const FORM: HeaderValue = HeaderValue::from_static("application/x-www-form-urlencoded");

/// Who calls what belongs to authorization.
#[derive(Clone, Debug)]
pub(crate) struct Fetcher {
    /// URLs that the operator named; what is there is called under the upstream's own rules.
    pub(crate) named: Vec<Uri>,
    /// Under the upstream's own rules.
    pub(crate) own: HttpClient,
    /// The same without private networks and the gateway's own machine.
    pub(crate) public: HttpClient,
    /// What `public` may reach: asked here about what a proxy would resolve.
    pub(crate) strangers: Arc<Policy>,
    /// The proxy on the way.
    pub(crate) hop: Option<Arc<Hop>>,
}

/// A document that a server may have.
pub(super) enum Got<T> {
    There(T),
    /// With the reason.
    Not(String),
}

/// What a server answered.
pub(super) struct Reply {
    pub(super) status: StatusCode,
    pub(super) body: Bytes,
}

impl Fetcher {
    /// A URL that may be called, or given to a browser; `what` names it.
    pub(super) fn check(&self, what: &str, text: &str) -> Result<Uri, OAuthError> {
        let refused = |why: &str| OAuthError::Refused(format!("{what} `{}` {why}", plain(text)));
        if text.contains('#') {
            return Err(refused("has a fragment"));
        }
        let uri: Uri = text
            .parse()
            .map_err(|_| refused("is no URL that can be called"))?;
        match uri.authority() {
            Some(authority) if authority.as_str().contains('@') => {
                return Err(refused("carries credentials, which is not called"));
            }
            Some(authority) if !authority.host().is_empty() => {}
            _ => return Err(refused("names no host")),
        }
        let is_plain = uri.scheme() == Some(&Scheme::HTTP);
        if uri.scheme() != Some(&Scheme::HTTPS) && !is_plain {
            return Err(refused("does not begin with https://"));
        }
        if is_plain && !self.is_named(&uri) {
            return Err(refused(
                "does not begin with https://; http is spoken only with hosts whose http:// URL the document has (`url`, `auth.issuer`, `auth.token_url`)",
            ));
        }
        Ok(uri)
    }

    /// Whether the operator named what is there. With https that is one port of a host; a host that is spoken with in plain http, in a network of one's own, may have its
    /// authorization server at another one.
    fn is_named(&self, uri: &Uri) -> bool {
        self.named.iter().any(|named| names(named, uri))
    }

    /// A proxy resolves names itself, and knows those of its own network. What only a server names is resolved here first, and goes nowhere if that cannot be.
    async fn check_stranger(&self, uri: &Uri) -> Result<(), OAuthError> {
        if self.hop.is_none() {
            // Checked where it is dialled.
            return Ok(());
        }
        let name = host(uri);
        let bare = uri.host().unwrap_or_default().trim_matches(['[', ']']);
        let resolved = tokio::net::lookup_host((bare, port(uri))).await;
        let addresses = resolved.map_err(|error| {
            OAuthError::Refused(format!(
                "{name} is not called through the proxy: it cannot be resolved here ({error}), so that nobody knows whether it is in a private network"
            ))
        })?;
        for address in addresses {
            if let Some(reason) = connect::refuses(&self.strangers, bare, address.ip()) {
                return Err(OAuthError::Refused(format!(
                    "{name} is not called through the proxy: it leads to {reason}"
                )));
            }
        }
        Ok(())
    }

    /// A JSON document.
    pub(super) async fn get<T: DeserializeOwned>(&self, uri: &Uri) -> Result<Got<T>, OAuthError> {
        let reply = self.send(Method::GET, uri, Bytes::new(), &[]).await?;
        let status = reply.status;
        if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
            return Err(OAuthError::Away(format!("{uri} answered {status}")));
        }
        if status.is_redirection() {
            return Ok(Got::Not(format!(
                "{uri} leads elsewhere ({status}), which is not followed"
            )));
        }
        if status != StatusCode::OK {
            return Ok(Got::Not(format!("{uri} answered {status}")));
        }
        Ok(match serde_json::from_slice(&reply.body) {
            Ok(document) => Got::There(document),
            Err(error) => Got::Not(format!(
                "{uri} answered with something else: {}",
                plain(&error.to_string())
            )),
        })
    }

    /// Posts a form, with a credential where there is one.
    pub(super) async fn post_form(
        &self,
        uri: &Uri,
        form: String,
        credential: Option<HeaderValue>,
    ) -> Result<Reply, OAuthError> {
        let mut headers = vec![(header::CONTENT_TYPE, FORM)];
        headers.extend(credential.map(|credential| (header::AUTHORIZATION, credential)));
        self.send(Method::POST, uri, form.into(), &headers).await
    }

    /// Posts JSON.
    pub(super) async fn post_json(&self, uri: &Uri, body: String) -> Result<Reply, OAuthError> {
        self.send(Method::POST, uri, body.into(), &[(header::CONTENT_TYPE, JSON)])
            .await
    }

    async fn send(
        &self,
        method: Method,
        uri: &Uri,
        body: Bytes,
        more: &[(header::HeaderName, HeaderValue)],
    ) -> Result<Reply, OAuthError> {
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = method;
        *request.uri_mut() = uri.clone();
        let headers = request.headers_mut();
        headers.insert(header::ACCEPT, JSON);
        headers.extend(more.iter().cloned());
        // A proxy reads requests to http servers itself.
        let login = self.hop.as_ref().and_then(|hop| hop.login.clone());
        if let Some(login) = login.filter(|_| uri.scheme() == Some(&Scheme::HTTP)) {
            headers.insert(header::PROXY_AUTHORIZATION, login);
        }
        let is_named = self.is_named(uri);
        let sending = async {
            if is_named {
                return exchange(&self.own, uri, request).await;
            }
            self.check_stranger(uri).await?;
            exchange(&self.public, uri, request).await
        };
        match tokio::time::timeout(PATIENCE, sending).await {
            Ok(Err(OAuthError::Refused(text))) if !is_named => Err(OAuthError::Refused(format!(
                "{text}; only the server names this host: if it is meant, write it into `auth.issuer`"
            ))),
            Ok(replied) => replied,
            Err(_) => Err(OAuthError::Away(format!(
                "{} gave no complete answer within {PATIENCE:?}",
                host(uri)
            ))),
        }
    }
}

async fn exchange(
    client: &HttpClient,
    uri: &Uri,
    request: Request<Full<Bytes>>,
) -> Result<Reply, OAuthError> {
    let troubled = |trouble: connect::Trouble| {
        let text = trouble.text.trim_end_matches('.').to_owned();
        match trouble.kind {
            TroubleKind::Refused | TroubleKind::Tls => OAuthError::Refused(text),
            _ => OAuthError::Away(text),
        }
    };
    let sent = client.request(request).await;
    let response = sent.map_err(|error| troubled(connect::sending(uri, &error)))?;
    let status = response.status();
    let mut body = response.into_body();
    let mut whole = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| troubled(connect::receiving(uri, &error)))?;
        let Ok(chunk) = frame.into_data() else { continue };
        if whole.len() + chunk.len() > MOST_BYTES {
            let text = format!("{} answered with more than {MOST_BYTES} bytes", host(uri));
            return Err(OAuthError::Refused(text));
        }
        whole.extend_from_slice(&chunk);
    }
    Ok(Reply {
        status,
        body: whole.freeze(),
    })
}

/// With its port, for people.
pub(super) fn host(uri: &Uri) -> &str {
    uri.authority()
        .map_or("the server", |authority| authority.as_str())
}

fn same_host(one: &Uri, other: &Uri) -> bool {
    match (one.host(), other.host()) {
        (Some(one), Some(other)) => one.eq_ignore_ascii_case(other),
        _ => false,
    }
}

/// Whether a URL of the operator's stands for this one, too.
fn names(named: &Uri, uri: &Uri) -> bool {
    let is_plain = uri.scheme() == Some(&Scheme::HTTP);
    same_host(named, uri)
        && match is_plain {
            true => named.scheme() == uri.scheme(),
            false => port(named) == port(uri),
        }
}

fn port(uri: &Uri) -> u16 {
    let usual = if uri.scheme() == Some(&Scheme::HTTP) {
        80
    } else {
        443
    };
    uri.port_u16().unwrap_or(usual)
}

/// Somebody else's words on one line, not too many of them.
pub(super) fn plain(text: &str) -> String {
    let mut out: String = text.chars().filter(|c| !c.is_control()).collect();
    if out.len() > MOST_WORDS {
        out.truncate(out.floor_char_boundary(MOST_WORDS));
        out.push('…');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_of_the_operator_stands_for_one_port_but_for_plain_http() {
        let names = |named: &str, other: &str| names(&named.parse().unwrap(), &other.parse().unwrap());
        for (named, other) in [
            ("https://a.example/mcp", "https://A.example:443/token"),
            ("https://a.example:8443/mcp", "https://a.example:8443/token"),
            ("http://10.0.0.1:8080/mcp", "http://10.0.0.1:9000/token"),
        ] {
            assert!(names(named, other), "{named} {other}");
        }
        for (named, other) in [
            ("https://a.example/mcp", "https://a.example:8443/token"),
            ("https://a.example:8443/mcp", "https://a.example/token"),
            ("https://a.example/mcp", "https://b.example/token"),
            ("http://10.0.0.1:8080/mcp", "https://10.0.0.1:6443/token"),
            ("https://10.0.0.1/mcp", "http://10.0.0.1/token"),
        ] {
            assert!(!names(named, other), "{named} {other}");
        }
    }
}
