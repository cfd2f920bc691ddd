//! HTTP from the command line: to what the person at it named. The admin API never reads a URL.

use super::Failure;
use bytes::{Bytes, BytesMut};
use http::{Request, Response, StatusCode, Uri, header};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use std::{fmt::Display, time::Duration};

const MAX_REDIRECTS: usize = 5;
/// Without a connection, or with one on which nothing comes in the middle of an answer.
const SILENCE: Duration = Duration::from_secs(60);

pub(super) type HttpClient = Client<HttpsConnector<HttpConnector>, Full<Bytes>>;

pub(super) fn client() -> Result<HttpClient, Failure> {
    let mut connector = HttpConnector::new();
    connector.enforce_http(false);
    connector.set_connect_timeout(Some(SILENCE));
    let connector = HttpsConnectorBuilder::new()
        .with_provider_and_native_roots(rustls::crypto::ring::default_provider())
        .map_err(|error| {
            Failure::runtime(format_args!(
                "the certificate authorities cannot be read: {error}"
            ))
        })?
        .https_or_http()
        .enable_http1()
        .wrap_connector(connector);
    Ok(Client::builder(TokioExecutor::new()).build(connector))
}

/// The body, at most a little more than `limit`; redirects are followed.
pub(super) async fn get(url: &str, limit: usize) -> Result<Vec<u8>, Failure> {
    let client = client()?;
    let mut at: Uri = url
        .parse()
        .map_err(|error| Failure::runtime(format_args!("{url}: {error}")))?;
    for _ in 0..=MAX_REDIRECTS {
        let request = Request::get(at.clone())
            .header(header::USER_AGENT, concat!("dynmcp/", env!("CARGO_PKG_VERSION")))
            .header(header::ACCEPT, "application/json, application/yaml, */*;q=0.8")
            .body(Full::default())
            .map_err(|error| Failure::runtime(format_args!("{at}: {error}")))?;
        let response = send(&client, request, SILENCE).await?;
        match next(&at, &response)? {
            Some(target) => at = target,
            None => return body(&at, response.into_body(), limit).await.map(Bytes::into),
        }
    }
    Err(Failure::runtime(format_args!(
        "{url}: more than {MAX_REDIRECTS} redirects"
    )))
}

/// The head of the answer, for which it waits `patience`.
pub(super) async fn send(
    client: &HttpClient,
    request: Request<Full<Bytes>>,
    patience: Duration,
) -> Result<Response<Incoming>, Failure> {
    let uri = request.uri().clone();
    match tokio::time::timeout(patience, client.request(request)).await {
        Ok(Ok(response)) => Ok(response),
        Ok(Err(error)) => {
            let cause =
                std::error::Error::source(&error).map_or_else(|| error.to_string(), ToString::to_string);
            Err(Failure::runtime(format_args!("{uri}: {cause}")))
        }
        Err(_) => Err(Failure::runtime(format_args!(
            "{uri}: no answer within {} seconds; what was asked for may have been done",
            patience.as_secs()
        ))),
    }
}

fn next(at: &Uri, response: &Response<Incoming>) -> Result<Option<Uri>, Failure> {
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
        return Err(Failure::runtime(format_args!("{at}: answered {status}")));
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
        .map_err(|_| Failure::runtime(format_args!("{at}: redirects to `{location}`, which is no URL")))?;
    if at.scheme_str() == Some("https") && target.scheme_str() != Some("https") {
        return Err(Failure::runtime(format_args!(
            "{at}: redirects to `{location}`, away from https"
        )));
    }
    Ok(Some(target))
}

/// A whole body of at most `limit` bytes.
pub(super) async fn body(at: impl Display, mut body: Incoming, limit: usize) -> Result<Bytes, Failure> {
    let mut whole = BytesMut::new();
    loop {
        let frame = match tokio::time::timeout(SILENCE, body.frame()).await {
            Ok(None) => return Ok(whole.freeze()),
            Ok(Some(Ok(frame))) => frame,
            Ok(Some(Err(error))) => return Err(Failure::runtime(format_args!("{at}: {error}"))),
            Err(_) => {
                let seconds = SILENCE.as_secs();
                return Err(Failure::runtime(format_args!(
                    "{at}: nothing came for {seconds} seconds in the middle of the answer"
                )));
            }
        };
        let Ok(data) = frame.into_data() else { continue };
        if whole.len() + data.len() > limit {
            return Err(Failure::runtime(format_args!(
                "{at}: the answer has more than {limit} bytes, which is the limit"
            )));
        }
        whole.extend_from_slice(&data);
    }
}
