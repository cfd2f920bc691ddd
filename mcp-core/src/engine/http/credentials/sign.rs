//! Signs a request that is as it will be sent: nothing of it changes after that.

mod aws;
mod hmac;

use super::apply::missing;
use crate::{engine::failure::Failure, secrets::Secrets, tool::Signer};
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Request, Uri, header};
use http_body_util::Full;
use std::time::SystemTime;

/// A request that is about to be sent.
pub(crate) fn sign(
    signer: &Signer,
    request: &mut Request<Full<Bytes>>,
    secrets: &Secrets,
) -> Result<(), Failure> {
    let now = SystemTime::now();
    // Signed once before, it has another signature now.
    for name in signer.headers() {
        request.headers_mut().remove(name);
    }
    let headers = match signer {
        Signer::Aws(signer) => aws::sign(signer, request, secrets, now),
        Signer::Hmac(signer) => hmac::sign(signer, request, secrets, now),
    };
    for (name, value) in headers.map_err(missing)? {
        request.headers_mut().insert(name, value);
    }
    Ok(())
}

/// What a signature adds.
type Headers = Vec<(HeaderName, HeaderValue)>;

/// The bytes of the body, which are all there.
fn body(request: &Request<Full<Bytes>>) -> Bytes {
    use futures_util::FutureExt;
    use http_body_util::{BodyExt, Collected};
    let collected = request.body().clone().collect().now_or_never();
    // A `Full` is there at once and cannot fail.
    collected
        .and_then(Result::ok)
        .map(Collected::to_bytes)
        .unwrap_or_default()
}

/// As it is told to the upstream: without the port that is meant anyway.
fn host(request: &Request<Full<Bytes>>) -> String {
    if let Some(host) = request.headers().get(header::HOST) {
        return String::from_utf8_lossy(host.as_bytes()).into_owned();
    }
    host_of(request.uri())
}

fn host_of(uri: &Uri) -> String {
    let Some(authority) = uri.authority() else {
        return String::new();
    };
    let usual = match uri.scheme_str() {
        Some("http") => Some(80),
        Some("https") => Some(443),
        _ => None,
    };
    match authority.port_u16() {
        Some(port) if Some(port) != usual => format!("{}:{port}", authority.host()),
        _ => authority.host().to_owned(),
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn header_value(text: &str) -> Result<HeaderValue, String> {
    crate::encode::header_value(text.as_bytes())
}

fn secret_header(text: &str) -> Result<HeaderValue, String> {
    crate::encode::sensitive(text)
}
