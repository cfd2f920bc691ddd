//! Which headers a definition or an argument may set.

use http::HeaderName;

/// Belong to the connection or to the message's framing; whoever sets them can change where a request ends.
const FRAMING: [&str; 16] = [
    "host",
    "content-length",
    "transfer-encoding",
    "connection",
    "keep-alive",
    "proxy-connection",
    "proxy-authenticate",
    "proxy-authorization",
    "te",
    "trailer",
    "upgrade",
    "expect",
    "http2-settings",
    "content-encoding",
    "max-forwards",
    "via",
];

/// The header of that name, or why it cannot be set.
pub(crate) fn read(name: &str) -> Result<HeaderName, &'static str> {
    let header = HeaderName::from_bytes(name.as_bytes()).map_err(|_| "is not a header name")?;
    if header == http::header::ACCEPT_ENCODING {
        return Err("cannot be set: `response.compressed` sets it and unpacks the answers");
    }
    if FRAMING.contains(&header.as_str()) {
        return Err("cannot be set: it belongs to the connection, not to the call");
    }
    Ok(header)
}

#[cfg(test)]
mod tests {
    #[test]
    fn framing_headers_are_refused_in_any_letter_case() {
        assert_eq!(super::read("X-Trace").unwrap(), "x-trace");
        let reason = super::read("accept-encoding").unwrap_err();
        assert!(reason.contains("response.compressed"), "{reason}");
        for name in [
            "Host",
            "CONTENT-LENGTH",
            "Transfer-Encoding",
            "te",
            "Accept-Encoding",
            "",
            "a b",
            "a\r\nb",
            "ü",
        ] {
            assert!(super::read(name).is_err(), "{name:?}");
        }
    }
}
