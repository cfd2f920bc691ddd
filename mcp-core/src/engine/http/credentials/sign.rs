//! Signs a request that is as it will be sent: nothing of it changes after that.

mod aws;
mod hashed;
mod hmac;

use super::apply::missing;
use crate::{
    engine::{Engine, failure::Failure},
    tool::{MessagePiece, Placeholder, Signer},
};
use bytes::Bytes;
pub(crate) use hashed::{Hash, Hashed};
use http::{HeaderName, HeaderValue, Request, Uri, header};
use http_body_util::Full;
use std::time::SystemTime;

/// A request that is about to be sent. `hashed` has what the call made for attempts before this one.
pub(crate) async fn sign(
    engine: &Engine,
    signer: &Signer,
    request: &mut Request<Full<Bytes>>,
    hashed: &Hashed,
) -> Result<(), Failure> {
    // Signed once before, it has another signature now.
    for name in signer.headers() {
        request.headers_mut().remove(name);
    }
    let (body, owner) = (body(request), host(request));
    for hash in hashes(signer) {
        hashed.make(engine, &owner, hash, &body).await?;
    }
    let hash = |hash: Hash| hashed.known(hash, &body).unwrap_or_else(|| hash.of(&body));
    let (secrets, now) = (&engine.services.secrets, SystemTime::now());
    let headers = match signer {
        Signer::Aws(signer) => aws::sign(signer, request, secrets, (now, &hash(Hash::Sha256))),
        Signer::Hmac(signer) => match hmac::unsigned(signer, request, secrets, now, &hash) {
            Ok(unsigned) => {
                let signed = engine.aside(unsigned.message.len(), &owner, move || unsigned.mac());
                let (mac, headers) = signed.await?;
                hmac::finished(signer, &mac, headers)
            }
            Err(reason) => Err(reason),
        },
    };
    for (name, value) in headers.map_err(missing)? {
        request.headers_mut().insert(name, value);
    }
    Ok(())
}

/// The hashes of the body that it needs.
fn hashes(signer: &Signer) -> Vec<Hash> {
    match signer {
        Signer::Aws(_) => vec![Hash::Sha256],
        Signer::Hmac(signer) => {
            let hash = |piece: &MessagePiece| match piece {
                MessagePiece::Of(Placeholder::BodySha256) => Some(Hash::Sha256),
                MessagePiece::Of(Placeholder::BodySha512) => Some(Hash::Sha512),
                _ => None,
            };
            signer.message.0.iter().filter_map(hash).collect()
        }
    }
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
