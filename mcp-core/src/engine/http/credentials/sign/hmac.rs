//! A signature by a shared key, over the text that the definition declares.

use super::{Hash, Headers, aws::date, body, header_value, hexadecimal, host, secret_header};
use crate::{
    secrets::Secrets,
    tool::{HmacSigner, MessagePiece as Piece, Placeholder},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{Request, uri::PathAndQuery};
use http_body_util::Full;
use mcp_common::{
    definition::tool::{HmacAlgorithm, KeyEncoding, SignatureEncoding, TimestampFormat},
    secret::ExposeSecret,
};
use ring::hmac;
use std::time::{SystemTime, UNIX_EPOCH};

/// A message that is not signed yet, the key for it, and the headers beside its signature.
pub(super) struct Unsigned {
    pub(super) message: Vec<u8>,
    key: hmac::Key,
    headers: Headers,
}

impl Unsigned {
    /// Reads all of the message.
    pub(super) fn mac(self) -> (hmac::Tag, Headers) {
        (hmac::sign(&self.key, &self.message), self.headers)
    }
}

pub(super) fn unsigned(
    signer: &HmacSigner,
    request: &Request<Full<Bytes>>,
    secrets: &Secrets,
    now: SystemTime,
    hash: &dyn Fn(Hash) -> String,
) -> Result<Unsigned, String> {
    let secret = secrets.find(&signer.key)?;
    let key = key_bytes(signer.key_encoding, secret.expose_secret())
        .map_err(|reason| format!("{} {reason}", signer.key))?;
    let format = signer
        .timestamp
        .as_ref()
        .map_or(TimestampFormat::Seconds, |(_, format)| *format);
    let (timestamp, nonce) = (timestamp(now, format), nonce()?);
    let mut headers = Headers::new();
    if let Some((name, _)) = &signer.timestamp {
        headers.push((name.clone(), header_value(&timestamp)?));
    }
    if let Some(name) = &signer.nonce {
        headers.push((name.clone(), header_value(&nonce)?));
    }
    if let Some((name, id)) = &signer.key_id {
        let id = secrets.find_text(id)?;
        headers.push((name.clone(), secret_header(id.expose_secret())?));
    }
    let message = message(signer, request, (&timestamp, &nonce), hash);
    let algorithm = match signer.algorithm {
        HmacAlgorithm::Sha256 => hmac::HMAC_SHA256,
        HmacAlgorithm::Sha512 => hmac::HMAC_SHA512,
    };
    Ok(Unsigned {
        message,
        key: hmac::Key::new(algorithm, &key),
        headers,
    })
}

/// All headers, with that of the signature.
pub(super) fn finished(
    signer: &HmacSigner,
    mac: &hmac::Tag,
    mut headers: Headers,
) -> Result<Headers, String> {
    let signature = match signer.encoding {
        SignatureEncoding::Hex => hexadecimal(mac.as_ref()),
        SignatureEncoding::Base64 => STANDARD.encode(mac.as_ref()),
    };
    let value = secret_header(&format!("{}{signature}", signer.prefix))?;
    headers.push((signer.header.clone(), value));
    Ok(headers)
}

/// What is signed, with the request's own bytes.
fn message(
    signer: &HmacSigner,
    request: &Request<Full<Bytes>>,
    (timestamp, nonce): (&str, &str),
    hash: &dyn Fn(Hash) -> String,
) -> Vec<u8> {
    let uri = request.uri();
    let mut message = Vec::new();
    for piece in &signer.message.0 {
        let placeholder = match piece {
            Piece::Text(text) => {
                message.extend_from_slice(text.as_bytes());
                continue;
            }
            Piece::Of(placeholder) => placeholder,
        };
        match placeholder {
            Placeholder::Method => message.extend_from_slice(request.method().as_str().as_bytes()),
            Placeholder::Path => message.extend_from_slice(uri.path().as_bytes()),
            Placeholder::Query => message.extend_from_slice(uri.query().unwrap_or_default().as_bytes()),
            Placeholder::Target => {
                let target = uri.path_and_query().map_or("/", PathAndQuery::as_str);
                message.extend_from_slice(target.as_bytes());
            }
            Placeholder::Host => message.extend_from_slice(host(request).as_bytes()),
            Placeholder::Timestamp => message.extend_from_slice(timestamp.as_bytes()),
            Placeholder::Nonce => message.extend_from_slice(nonce.as_bytes()),
            Placeholder::Body => message.extend_from_slice(&body(request)),
            Placeholder::BodySha256 => message.extend_from_slice(hash(Hash::Sha256).as_bytes()),
            Placeholder::BodySha512 => message.extend_from_slice(hash(Hash::Sha512).as_bytes()),
        }
    }
    message
}

/// Never repeats any of it.
fn key_bytes(encoding: KeyEncoding, text: &str) -> Result<Vec<u8>, String> {
    match encoding {
        KeyEncoding::Text => Ok(text.as_bytes().to_vec()),
        KeyEncoding::Base64 => STANDARD
            .decode(text.trim())
            .map_err(|_| "is no base64, which auth.key_encoding says".to_owned()),
        KeyEncoding::Hex => {
            let text = text.trim();
            let pair = |start| {
                text.get(start..start + 2)
                    .and_then(|pair| u8::from_str_radix(pair, 16).ok())
            };
            let is_hex = text.len().is_multiple_of(2) && text.bytes().all(|digit| digit.is_ascii_hexdigit());
            let bytes: Option<Vec<u8>> = (0..text.len()).step_by(2).map(pair).collect();
            bytes
                .filter(|_| is_hex)
                .ok_or_else(|| "has no hexadecimal digits alone, which auth.key_encoding says".to_owned())
        }
    }
}

fn timestamp(now: SystemTime, format: TimestampFormat) -> String {
    let since = now.duration_since(UNIX_EPOCH).unwrap_or_default();
    match format {
        TimestampFormat::Seconds => since.as_secs().to_string(),
        TimestampFormat::Milliseconds => since.as_millis().to_string(),
        TimestampFormat::Rfc3339 => {
            let (year, month, day) = date(since.as_secs() / 86_400);
            let time = since.as_secs() % 86_400;
            let (hour, minute, second) = (time / 3_600, time / 60 % 60, time % 60);
            format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
        }
    }
}

fn nonce() -> Result<String, String> {
    let mut random = [0; 16];
    getrandom::fill(&mut random)
        .map_err(|error| format!("cannot be made: the machine has no random numbers ({error})"))?;
    Ok(hexadecimal(&random))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn keys_and_times_are_read_and_written_as_declared() {
        assert_eq!(
            key_bytes(KeyEncoding::Text, "a\u{e4}").unwrap(),
            "a\u{e4}".as_bytes()
        );
        assert_eq!(key_bytes(KeyEncoding::Hex, " 00fF\n").unwrap(), [0, 255]);
        assert_eq!(key_bytes(KeyEncoding::Base64, "AP8=").unwrap(), [0, 255]);
        for (encoding, text) in [
            (KeyEncoding::Hex, "s3cr3t"),
            (KeyEncoding::Hex, "abc"),
            (KeyEncoding::Base64, "s3cr3t!"),
        ] {
            let reason = key_bytes(encoding, text).unwrap_err();
            assert!(!reason.contains(text), "{reason}");
        }
        let now = UNIX_EPOCH + Duration::from_millis(1_440_938_160_250);
        assert_eq!(timestamp(now, TimestampFormat::Seconds), "1440938160");
        assert_eq!(timestamp(now, TimestampFormat::Milliseconds), "1440938160250");
        assert_eq!(timestamp(now, TimestampFormat::Rfc3339), "2015-08-30T12:36:00Z");
    }
}
