//! Signature Version 4 of AWS, in the header `Authorization`.

use super::{Headers, header_value, hexadecimal, host, secret_header};
use crate::{secrets::Secrets, tool::AwsSigner};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, Request, header};
use http_body_util::Full;
use mcp_common::secret::ExposeSecret;
use percent_encoding::percent_decode;
use ring::{digest, hmac};
use std::{
    collections::BTreeMap,
    time::{SystemTime, UNIX_EPOCH},
};

const ALGORITHM: &str = "AWS4-HMAC-SHA256";
const END: &str = "aws4_request";
const DATE: HeaderName = HeaderName::from_static("x-amz-date");
const TOKEN: HeaderName = HeaderName::from_static("x-amz-security-token");
const CONTENT: HeaderName = HeaderName::from_static("x-amz-content-sha256");

/// What is not signed: others on the way change it, or it is written when the request is.
const NOT_SIGNED: [HeaderName; 13] = [
    header::AUTHORIZATION,
    header::CONNECTION,
    header::CONTENT_LENGTH,
    header::EXPECT,
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    header::USER_AGENT,
    header::VIA,
    HeaderName::from_static("traceparent"),
    HeaderName::from_static("tracestate"),
];

/// The keys, looked up.
struct Keys<'a> {
    id: &'a str,
    secret: &'a str,
    token: Option<&'a str>,
}

pub(super) fn sign(
    signer: &AwsSigner,
    request: &Request<Full<Bytes>>,
    secrets: &Secrets,
    (now, content): (SystemTime, &str),
) -> Result<Headers, String> {
    let id = secrets.find_text(&signer.access_key)?;
    let secret = secrets.find(&signer.secret_key)?;
    let token = signer.session_token.as_ref();
    let token = token.map(|token| secrets.find(token)).transpose()?;
    let keys = Keys {
        id: id.expose_secret(),
        secret: secret.expose_secret(),
        token: token.as_ref().map(|token| token.expose_secret()),
    };
    signed(signer, request, &keys, (now, content))
}

fn signed(
    signer: &AwsSigner,
    request: &Request<Full<Bytes>>,
    keys: &Keys<'_>,
    (now, content): (SystemTime, &str),
) -> Result<Headers, String> {
    let moment = moment(now);
    let day = &moment[..8];
    let mut headers = vec![(DATE, header_value(&moment)?)];
    if let Some(token) = keys.token {
        headers.push((TOKEN, secret_header(token)?));
    }
    if signer.says_content {
        headers.push((CONTENT, header_value(content)?));
    }
    let mut all = request.headers().clone();
    all.extend(headers.iter().cloned());
    let host = host(request);
    let (lines, names) = canonical_headers(&all, &host);
    let canonical = [
        request.method().as_str(),
        &canonical_path(signer, request.uri().path()),
        &canonical_query(request.uri().query().unwrap_or_default()),
        &lines,
        &names,
        content,
    ]
    .join("\n");
    let scope = format!("{day}/{}/{}/{END}", signer.region, signer.service);
    let canonical = hexadecimal(digest::digest(&digest::SHA256, canonical.as_bytes()).as_ref());
    let text = format!("{ALGORITHM}\n{moment}\n{scope}\n{canonical}");
    let mut key = format!("AWS4{}", keys.secret).into_bytes();
    for part in [day, &signer.region, &signer.service, END] {
        key = mac(&key, part.as_bytes());
    }
    let signature = hexadecimal(&mac(&key, text.as_bytes()));
    let value = format!(
        "{ALGORITHM} Credential={}/{scope}, SignedHeaders={names}, Signature={signature}",
        keys.id
    );
    headers.push((header::AUTHORIZATION, secret_header(&value)?));
    Ok(headers)
}

fn mac(key: &[u8], text: &[u8]) -> Vec<u8> {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key);
    hmac::sign(&key, text).as_ref().to_vec()
}

/// `20150830T123600Z`.
fn moment(now: SystemTime) -> String {
    let seconds = now.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let time = seconds % 86_400;
    let (year, month, day) = date(seconds / 86_400);
    let (hour, minute, second) = (time / 3_600, time / 60 % 60, time % 60);
    format!("{year:04}{month:02}{day:02}T{hour:02}{minute:02}{second:02}Z")
}

/// The date of a day since 1970, by the calendar's cycle of 400 years.
pub(super) fn date(days: u64) -> (u64, u64, u64) {
    // Years that begin in March end with the day that not all have.
    let days = days + 719_468;
    let (cycle, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let of_year = day - (365 * year + year / 4 - year / 100);
    let march = (5 * of_year + 2) / 153;
    let month = if march < 10 { march + 3 } else { march - 9 };
    let of_month = of_year - (153 * march + 2) / 5 + 1;
    (cycle * 400 + year + u64::from(month <= 2), month, of_month)
}

/// Encoded once more, but for services that have keys in it; there in the spelling that everybody comes to.
fn canonical_path(signer: &AwsSigner, path: &str) -> String {
    if signer.takes_paths_as_they_are() {
        let decoded: Vec<u8> = percent_decode(path.as_bytes()).collect();
        return encoded(&decoded, true);
    }
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    let is_folder = ["/", "/.", "/.."].iter().any(|end| path.ends_with(end));
    let end = if is_folder && !parts.is_empty() { "/" } else { "" };
    encoded(format!("/{}{end}", parts.join("/")).as_bytes(), true)
}

/// Names and values in one spelling, in order.
fn canonical_query(query: &str) -> String {
    let pairs = query.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let once = |text: &str| encoded(&percent_decode(text.as_bytes()).collect::<Vec<u8>>(), false);
        (once(name), once(value))
    });
    let mut pairs: Vec<(String, String)> = pairs.collect();
    pairs.sort();
    let pairs: Vec<String> = pairs
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    pairs.join("&")
}

/// The lines, with a line break after each, and the names.
fn canonical_headers(headers: &HeaderMap, host: &str) -> (String, String) {
    let mut values: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (name, value) in headers {
        if !NOT_SIGNED.contains(name) && name != header::HOST {
            let text = String::from_utf8_lossy(value.as_bytes());
            let text = text.split_ascii_whitespace().collect::<Vec<_>>().join(" ");
            values.entry(name.as_str()).or_default().push(text);
        }
    }
    values.insert("host", vec![host.to_owned()]);
    let lines: String = values
        .iter()
        .map(|(name, values)| format!("{name}:{}\n", values.join(",")))
        .collect();
    (lines, values.into_keys().collect::<Vec<_>>().join(";"))
}

/// The unreserved characters of RFC 3986 as they are, everything else by its bytes.
fn encoded(bytes: &[u8], is_path: bool) -> String {
    let mut out = String::with_capacity(bytes.len());
    for byte in bytes {
        let is_bare = byte.is_ascii_alphanumeric() || b"-._~".contains(byte) || (is_path && *byte == b'/');
        match is_bare {
            true => out.push(char::from(*byte)),
            false => out.push_str(percent_encoding::percent_encode_byte(*byte)),
        }
    }
    out
}

#[cfg(test)]
mod tests;
