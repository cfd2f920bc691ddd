//! The request headers that mirror the body, and how a mismatch is found (2026-07-28, "Standard headers";
//! `docs/PROTOCOL.md`, chapter 3).

use super::fault::Fault;
use crate::tool::{MirroredHeader, MirroredKind};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{HeaderMap, HeaderName};
use serde_json::{Value, value::RawValue};
use std::borrow::Cow;

pub(super) const PROTOCOL_VERSION: HeaderName = HeaderName::from_static("mcp-protocol-version");
pub(super) const METHOD: HeaderName = HeaderName::from_static("mcp-method");
pub(super) const NAME: HeaderName = HeaderName::from_static("mcp-name");
/// Legacy sessions.
pub const SESSION_ID: HeaderName = HeaderName::from_static("mcp-session-id");

/// The header's value without surrounding blanks; `None` if absent. A value that stands twice is refused.
pub(super) fn single<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Result<Option<&'h str>, Fault> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    if values.next().is_some() {
        return Err(Fault::header_mismatch(format!(
            "the header {name} appears more than once"
        )));
    }
    let text = value
        .to_str()
        .map_err(|_| Fault::header_mismatch(format!("the header {name} is not ASCII text")))?;
    Ok(Some(text.trim_matches([' ', '\t'])))
}

/// Like [`single`], but the same value may be repeated (a proxy may have folded two hops).
pub(super) fn protocol_version(headers: &HeaderMap) -> Result<Option<&str>, Fault> {
    let mut found: Option<&str> = None;
    for value in headers.get_all(PROTOCOL_VERSION) {
        let text = value
            .to_str()
            .map_err(|_| Fault::header_mismatch("MCP-Protocol-Version is not ASCII text"))?
            .trim();
        if found.is_some_and(|earlier| earlier != text) {
            return Err(Fault::header_mismatch(
                "MCP-Protocol-Version appears twice with different values",
            ));
        }
        found = Some(text);
    }
    Ok(found)
}

/// The header must be there and say exactly what the body says.
pub(super) fn must_equal(
    headers: &HeaderMap,
    name: &HeaderName,
    expected: &str,
    encoded: bool,
) -> Result<(), Fault> {
    let Some(value) = single(headers, name)? else {
        return Err(Fault::header_mismatch(format!("the header {name} is missing")));
    };
    let value = if encoded {
        decode(name, value)?
    } else {
        Cow::Borrowed(value)
    };
    if value == expected {
        return Ok(());
    }
    Err(Fault::header_mismatch(format!(
        "the header {name} differs from the body"
    )))
}

/// Takes `=?base64?…?=` apart; anything else is literal.
fn decode<'v>(name: &HeaderName, value: &'v str) -> Result<Cow<'v, str>, Fault> {
    let Some(encoded) = value
        .strip_prefix("=?base64?")
        .and_then(|rest| rest.strip_suffix("?="))
    else {
        return Ok(Cow::Borrowed(value));
    };
    let wrong = || Fault::header_mismatch(format!("the header {name} is not valid base64 of UTF-8"));
    let bytes = STANDARD.decode(encoded).map_err(|_| wrong())?;
    String::from_utf8(bytes).map(Cow::Owned).map_err(|_| wrong())
}

/// Checks `Mcp-Param-*` of one call against its arguments.
pub(super) fn check_mirrored(
    headers: &HeaderMap,
    mirrored: &[MirroredHeader],
    arguments: Option<&RawValue>,
) -> Result<(), Fault> {
    if mirrored.is_empty() {
        return Ok(());
    }
    let arguments: Value = arguments
        .and_then(|raw| serde_json::from_str(raw.get()).ok())
        .unwrap_or(Value::Null);
    for header in mirrored {
        let argument = header
            .path
            .iter()
            .try_fold(&arguments, |value, step| value.get(step));
        let argument = argument.filter(|value| !value.is_null());
        let sent = single(headers, &header.header)?;
        match (argument, sent) {
            (None, None) => {}
            (None, Some(_)) => {
                let message = format!("the header {} is there but its argument is not", header.header);
                return Err(Fault::header_mismatch(message));
            }
            (Some(_), None) => {
                return Err(Fault::header_mismatch(format!(
                    "the header {} is missing",
                    header.header
                )));
            }
            (Some(argument), Some(sent)) => {
                let sent = decode(&header.header, sent)?;
                if !same(header.kind, argument, &sent) {
                    return Err(Fault::header_mismatch(format!(
                        "the header {} differs from its argument",
                        header.header
                    )));
                }
            }
        }
    }
    Ok(())
}

fn same(kind: MirroredKind, argument: &Value, sent: &str) -> bool {
    match (kind, argument) {
        (MirroredKind::Integer, Value::Number(number)) => {
            let exactly = sent
                .parse::<serde_json::Number>()
                .is_ok_and(|sent| sent == *number);
            exactly || matches!((number.as_f64(), sent.parse::<f64>()), (Some(a), Ok(b)) if a == b)
        }
        (_, Value::String(text)) => text == sent,
        (_, Value::Bool(flag)) => sent == if *flag { "true" } else { "false" },
        // An argument of another type is the schema's business: it fails validation right after.
        (_, other) => sent == &*other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(values: &[(&'static str, &'static str)]) -> HeaderMap {
        let pairs = values.iter().map(|(name, value)| {
            (
                HeaderName::from_static(name),
                http::HeaderValue::from_static(value),
            )
        });
        pairs.fold(HeaderMap::new(), |mut map, (name, value)| {
            map.append(name, value);
            map
        })
    }

    #[test]
    fn names_may_come_encoded() {
        let check = |sent: &'static str, expected| {
            must_equal(&headers(&[("mcp-name", sent)]), &NAME, expected, true).is_ok()
        };
        assert!(check("plain", "plain"));
        assert!(check("  plain\t", "plain"));
        assert!(check("=?base64?w7xiZXI=?=", "über"));
        assert!(check("=?base64?cGxhaW4=?=", "plain"));
        assert!(check("=?base64??=", ""));
        assert!(
            check("=?base64?cGxhaW4=", "=?base64?cGxhaW4="),
            "only a prefix is a literal"
        );
        assert!(!check("=?base64?SGVsbG8?=", "Hello"), "bad padding");
        assert!(!check("=?base64?%%%%?=", "x"));
        assert!(!check("PLAIN", "plain"));
    }

    #[test]
    fn a_repeated_header_is_refused() {
        let twice = headers(&[("mcp-method", "a"), ("mcp-method", "a")]);
        assert!(must_equal(&twice, &METHOD, "a", false).is_err());
        let versions = headers(&[("mcp-protocol-version", "a"), ("mcp-protocol-version", "b")]);
        assert!(protocol_version(&versions).is_err());
    }

    #[test]
    fn mirrored_arguments_are_compared_by_type() {
        let mirrored = |kind| {
            vec![MirroredHeader {
                header: HeaderName::from_static("mcp-param-x"),
                path: vec!["a".into(), "x".into()],
                kind,
            }]
        };
        let check = |kind, sent: Option<&'static str>, arguments: &str| {
            let headers = sent.map_or_else(HeaderMap::new, |sent| headers(&[("mcp-param-x", sent)]));
            let raw: &RawValue = serde_json::from_str(arguments).unwrap();
            check_mirrored(&headers, &mirrored(kind), Some(raw)).is_ok()
        };
        assert!(check(MirroredKind::Integer, Some("42.0"), "{\"a\":{\"x\":42}}"));
        assert!(!check(MirroredKind::Integer, Some("43"), "{\"a\":{\"x\":42}}"));
        assert!(check(MirroredKind::Boolean, Some("true"), "{\"a\":{\"x\":true}}"));
        assert!(!check(
            MirroredKind::Boolean,
            Some("True"),
            "{\"a\":{\"x\":true}}"
        ));
        assert!(check(MirroredKind::String, Some(""), "{\"a\":{\"x\":\"\"}}"));
        assert!(!check(MirroredKind::String, None, "{\"a\":{\"x\":\"v\"}}"));
        assert!(!check(MirroredKind::String, Some("v"), "{\"a\":{\"x\":null}}"));
        assert!(check(MirroredKind::String, None, "{\"a\":{}}"));
    }
}
