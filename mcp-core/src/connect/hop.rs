//! A forward proxy on the way, RFC 9110 section 7.6 and 9.3.6.

use super::policy::Forbidden;
use crate::{egress::ProxyAddress, encode};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{HeaderValue, Method, Request, StatusCode, Uri, header};
use http_body_util::Empty;
use hyper::{client::conn::http1, upgrade};
use hyper_util::rt::TokioIo;
use mcp_common::problem::innermost_cause;
use std::error::Error as StdError;
use tokio::net::TcpStream;

/// A member of a definition, and what is wrong with it.
pub(crate) type Shortcoming = (&'static str, String);

/// The proxy, and what it is shown.
#[derive(Debug)]
pub(crate) struct Hop {
    pub(crate) uri: Uri,
    pub(crate) login: Option<HeaderValue>,
    name: String,
}

/// Why there is no way through the proxy.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HopError {
    #[error("The proxy {0} is not used: {1}.")]
    Forbidden(String, Forbidden),
    #[error("Cannot connect to the proxy {0}: {1}.")]
    Unreachable(String, String),
    #[error("The proxy {0} asks for other credentials (status 407).")]
    Login(String),
    #[error("The proxy {0} answered {1} instead of connecting to {2}.")]
    Refused(String, StatusCode, String),
    #[error("The proxy {0} answered something that is no HTTP: {1}.")]
    Broken(String, String),
}

impl Hop {
    pub(crate) fn new(address: &ProxyAddress, login: Option<(&str, &str)>) -> Result<Self, Shortcoming> {
        let name = address.to_string();
        let unfit = |member, reason: &str| (member, reason.to_owned());
        let uri = name
            .parse()
            .map_err(|_| unfit("proxy", "is not a URL that can be called"))?;
        let login = match login {
            Some((username, _)) if username.contains(':') => {
                return Err(unfit("proxy.username", "must not have a colon (RFC 7617)"));
            }
            Some((username, password)) => {
                let pair = STANDARD.encode(format!("{username}:{password}"));
                let value = encode::sensitive(&format!("Basic {pair}"));
                Some(value.map_err(|_| unfit("proxy.password", "cannot stand in a header"))?)
            }
            None => None,
        };
        Ok(Self { uri, login, name })
    }

    /// A connection through which the upstream is reached at the other end.
    pub(super) async fn tunnel(
        &self,
        stream: TokioIo<TcpStream>,
        target: &Uri,
    ) -> Result<TokioIo<TcpStream>, HopError> {
        let broken = |error: hyper::Error| HopError::Broken(self.name.clone(), innermost_cause(&error));
        let port = target.port_u16().unwrap_or(443);
        let authority = format!("{}:{port}", target.host().unwrap_or_default());
        let mut request = Request::new(Empty::<Bytes>::new());
        *request.method_mut() = Method::CONNECT;
        *request.uri_mut() = authority
            .parse()
            .map_err(|_| HopError::Broken(self.name.clone(), format!("{authority} cannot be asked for")))?;
        let host = HeaderValue::from_str(&authority);
        host.map(|host| request.headers_mut().insert(header::HOST, host))
            .ok();
        if let Some(login) = &self.login {
            request
                .headers_mut()
                .insert(header::PROXY_AUTHORIZATION, login.clone());
        }
        let (mut sender, connection) = http1::handshake(stream).await.map_err(broken)?;
        let connection = tokio::spawn(connection.with_upgrades());
        let response = sender.send_request(request).await.map_err(broken)?;
        if !response.status().is_success() {
            connection.abort();
            return Err(self.refusal_of(response.status(), authority));
        }
        let upgraded = upgrade::on(response).await.map_err(broken)?;
        match upgraded.downcast::<TokioIo<TcpStream>>() {
            Ok(parts) if parts.read_buf.is_empty() => Ok(parts.io),
            // The upstream never speaks first in TLS, so this is no tunnel to one.
            _ => {
                let reason = "it sent something before it was asked".to_owned();
                Err(HopError::Broken(self.name.clone(), reason))
            }
        }
    }

    /// What an answer of the proxy itself means.
    pub(crate) fn refusal(&self, status: StatusCode) -> HopError {
        self.refusal_of(status, "the upstream".to_owned())
    }

    fn refusal_of(&self, status: StatusCode, target: String) -> HopError {
        match status {
            StatusCode::PROXY_AUTHENTICATION_REQUIRED => HopError::Login(self.name.clone()),
            status => HopError::Refused(self.name.clone(), status, target),
        }
    }

    pub(super) fn unreachable(&self, error: &(dyn StdError + 'static)) -> HopError {
        HopError::Unreachable(self.name.clone(), innermost_cause(error))
    }

    pub(super) fn forbidden(&self, forbidden: Forbidden) -> HopError {
        HopError::Forbidden(self.name.clone(), forbidden)
    }
}
