//! HTTP to what the person at the terminal named. The admin API never reads a URL.

use super::ClientError;
use bytes::{Bytes, BytesMut};
use http::{Request, Response, StatusCode, Uri, header};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use mcp_common::problem::{innermost_cause, other_scheme};
use std::{error::Error, fmt::Display, time::Duration};

const MAX_REDIRECTS: usize = 5;
/// Without a connection, or with one on which nothing comes in the middle of an answer.
const SILENCE: Duration = Duration::from_secs(60);

pub(crate) type HttpClient = Client<HttpsConnector<HttpConnector>, Full<Bytes>>;

pub(crate) fn client() -> Result<HttpClient, ClientError> {
    let mut connector = HttpConnector::new();
    connector.enforce_http(false);
    connector.set_connect_timeout(Some(SILENCE));
    let connector = HttpsConnectorBuilder::new()
        .with_provider_and_native_roots(rustls::crypto::ring::default_provider())
        .map_err(|error| ClientError::Authorities(error.to_string()))?
        .https_or_http()
        .enable_http1()
        .wrap_connector(connector);
    Ok(Client::builder(TokioExecutor::new()).build(connector))
}

/// The body, at most a little more than `limit`; redirects are followed.
pub(crate) async fn get(url: &str, limit: usize) -> Result<Vec<u8>, ClientError> {
    let client = client()?;
    let mut at = web(url)?;
    for _ in 0..=MAX_REDIRECTS {
        let request = Request::get(at.clone())
            .header(header::USER_AGENT, concat!("dynmcp/", env!("CARGO_PKG_VERSION")))
            .header(header::ACCEPT, "application/json, application/yaml, */*;q=0.8")
            .body(Full::default())
            .map_err(|error| place(&at, error))?;
        let response = send(&client, request, SILENCE).await?;
        match next(&at, &response)? {
            Some(target) => at = target,
            None => return body(&at, response.into_body(), limit).await.map(Bytes::into),
        }
    }
    Err(place(url, format_args!("more than {MAX_REDIRECTS} redirects")))
}

/// The head of the answer, for which it waits `patience`.
pub(crate) async fn send(
    client: &HttpClient,
    request: Request<Full<Bytes>>,
    patience: Duration,
) -> Result<Response<Incoming>, ClientError> {
    let uri = request.uri().clone();
    match tokio::time::timeout(patience, client.request(request)).await {
        Ok(Ok(response)) => Ok(response),
        Ok(Err(error)) => Err(ClientError::Transport {
            cause: cause(&error, uri.scheme_str()),
            at: uri.to_string(),
        }),
        Err(_) => Err(ClientError::Late {
            at: uri.to_string(),
            seconds: patience.as_secs(),
        }),
    }
}

/// What is at the bottom of it, with what may be done about it.
fn cause(error: &(dyn Error + 'static), scheme: Option<&str>) -> String {
    let innermost = innermost_cause(error);
    let hint = if let Some(hint) = other_scheme(scheme == Some("https"), &innermost) {
        hint
    } else if innermost.contains("deadline has elapsed") {
        "nothing answers there, or a firewall is in between"
    } else if innermost.contains("onnection refused") {
        "nothing listens there"
    } else if innermost.contains("failed to lookup address") {
        "there is no such host"
    } else {
        return innermost;
    };
    format!("{innermost}; {hint}")
}

/// The words of the library say that something is wrong with the format, and not what would be right.
fn web(url: &str) -> Result<Uri, ClientError> {
    let uri: Option<Uri> = url.parse().ok();
    let is_web = |uri: &Uri| {
        matches!(uri.scheme_str(), Some("http" | "https")) && uri.host().is_some_and(|host| !host.is_empty())
    };
    uri.filter(is_web)
        .ok_or_else(|| place(url, "is no URL that can be read; write https://HOST/PATH"))
}

fn place(at: impl Display, reason: impl Display) -> ClientError {
    ClientError::Place {
        at: at.to_string(),
        reason: reason.to_string(),
    }
}

fn next(at: &Uri, response: &Response<Incoming>) -> Result<Option<Uri>, ClientError> {
    let status = response.status();
    if status.is_success() {
        return Ok(None);
    }
    let location = response
        .headers()
        .get(header::LOCATION)
        .and_then(|location| location.to_str().ok());
    let (Some(location), true) = (
        location,
        status.is_redirection() && status != StatusCode::NOT_MODIFIED,
    ) else {
        return Err(ClientError::Status {
            at: at.to_string(),
            status,
        });
    };
    let absolute = match location.strip_prefix('/') {
        Some(path) if !path.starts_with('/') => {
            let (scheme, host) = (
                at.scheme_str().unwrap_or("https"),
                at.authority().map_or("", |a| a.as_str()),
            );
            format!("{scheme}://{host}{location}")
        }
        _ => location.to_owned(),
    };
    let target: Uri = absolute
        .parse()
        .map_err(|_| place(at, format_args!("redirects to `{location}`, which is no URL")))?;
    if at.scheme_str() == Some("https") && target.scheme_str() != Some("https") {
        return Err(place(
            at,
            format_args!("redirects to `{location}`, away from https"),
        ));
    }
    Ok(Some(target))
}

/// A whole body of at most `limit` bytes.
pub(crate) async fn body(at: impl Display, mut body: Incoming, limit: usize) -> Result<Bytes, ClientError> {
    let mut whole = BytesMut::new();
    loop {
        let frame = match tokio::time::timeout(SILENCE, body.frame()).await {
            Ok(None) => return Ok(whole.freeze()),
            Ok(Some(Ok(frame))) => frame,
            Ok(Some(Err(error))) => {
                return Err(ClientError::Transport {
                    at: at.to_string(),
                    cause: innermost_cause(&error),
                });
            }
            Err(_) => {
                return Err(ClientError::Silent {
                    at: at.to_string(),
                    seconds: SILENCE.as_secs(),
                });
            }
        };
        let Ok(data) = frame.into_data() else { continue };
        if whole.len() + data.len() > limit {
            return Err(ClientError::TooLarge {
                at: at.to_string(),
                limit,
            });
        }
        whole.extend_from_slice(&data);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
    };

    /// A server that answers whatever comes with these bytes.
    async fn answering(answer: &'static [u8]) -> std::net::SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let _ = stream.read(&mut [0; 1_024]).await;
                let _ = stream.write_all(answer).await;
            }
        });
        address
    }

    #[tokio::test]
    async fn what_went_wrong_is_said_with_what_may_be_done() {
        // A record of TLS, which says that what came was none.
        let of_tls = answering(&[0x15, 3, 3, 0, 2, 2, 50]).await;
        let of_http = answering(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n").await;
        let free = TcpListener::bind("127.0.0.1:0")
            .await
            .unwrap()
            .local_addr()
            .unwrap();
        for (url, expected) in [
            (format!("http://{of_tls}/"), "is it https?"),
            (format!("https://{of_http}/"), "is it http?"),
            (format!("http://{free}/"), "nothing listens there"),
            ("http:///x".to_owned(), "write https://HOST/PATH"),
            ("example.com/x".to_owned(), "write https://HOST/PATH"),
        ] {
            let said = get(&url, 1_024).await.unwrap_err().to_string();
            assert!(said.starts_with(&url) && said.contains(expected), "{said}");
            assert!(
                !said.contains("invalid format") && !said.contains("tcp connect error"),
                "{said}"
            );
        }
    }
}
