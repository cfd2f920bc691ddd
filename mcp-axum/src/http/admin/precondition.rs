//! `If-Match` and `If-None-Match` of a write (RFC 9110 section 13.1): what the writer expects to find.

use crate::http::error::{Error, Result};
use http::{HeaderMap, HeaderName, header};
use mcp_common::key::Revision;
use mcp_core::authoring::writer::Expectation;

/// The headers' expectation.
pub(super) fn expectation(headers: &HeaderMap) -> Result<Expectation> {
    let if_match = only(headers, header::IF_MATCH)?;
    let if_none_match = only(headers, header::IF_NONE_MATCH)?;
    match (if_match, if_none_match) {
        (None, None) => Ok(Expectation::Any),
        (None, Some("*")) => Ok(Expectation::Absent),
        (None, Some(_)) => Err(Error::bad_request(
            "If-None-Match: only `*` (create, do not replace) means something",
        )),
        (Some(_), Some(_)) => Err(Error::bad_request("send If-Match or If-None-Match, not both")),
        (Some("*"), None) => Ok(Expectation::Present),
        (Some(tag), None) => revision(tag).map(Expectation::Revision).ok_or_else(|| {
            Error::bad_request(format!(
                "If-Match: `{tag}` is not a revision as the ETag has it, such as \"7\""
            ))
        }),
    }
}

/// A strong entity tag with a number in it, spelled as the server spells it.
fn revision(tag: &str) -> Option<Revision> {
    let digits = tag.strip_prefix('"')?.strip_suffix('"')?;
    let revision = digits.parse().ok()?;
    let canonical =
        digits.bytes().all(|digit| digit.is_ascii_digit()) && (digits == "0" || !digits.starts_with('0'));
    canonical.then_some(revision)
}

fn only(headers: &HeaderMap, name: HeaderName) -> Result<Option<&str>> {
    let mut values = headers.get_all(&name).iter();
    let first = values.next();
    if values.next().is_some() {
        return Err(Error::bad_request(format!("{name}: sent more than once")));
    }
    first
        .map(|value| value.to_str().map(str::trim))
        .transpose()
        .map_err(|_| Error::bad_request(format!("{name}: not visible ASCII")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn read(pairs: &[(HeaderName, &'static str)]) -> Result<Expectation, u16> {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(name, HeaderValue::from_static(value));
        }
        expectation(&headers).map_err(|error| error.status().as_u16())
    }

    #[test]
    fn says_what_the_writer_expects() {
        assert_eq!(read(&[]), Ok(Expectation::Any));
        assert_eq!(read(&[(header::IF_MATCH, "\"7\"")]), Ok(Expectation::Revision(7)));
        assert_eq!(read(&[(header::IF_MATCH, "*")]), Ok(Expectation::Present));
        assert_eq!(read(&[(header::IF_NONE_MATCH, "*")]), Ok(Expectation::Absent));
    }

    #[test]
    fn what_it_does_not_understand_is_not_ignored() {
        for wrong in [
            "7",
            "W/\"7\"",
            "\"+7\"",
            "\"07\"",
            "\"\"",
            "\"7\", \"8\"",
            "\"x\"",
            "\"99999999999999999999\"",
        ] {
            assert_eq!(read(&[(header::IF_MATCH, wrong)]), Err(400), "{wrong}");
        }
        assert_eq!(read(&[(header::IF_NONE_MATCH, "\"7\"")]), Err(400));
        assert_eq!(
            read(&[(header::IF_MATCH, "\"7\""), (header::IF_MATCH, "\"7\"")]),
            Err(400)
        );
        assert_eq!(
            read(&[(header::IF_MATCH, "\"7\""), (header::IF_NONE_MATCH, "*")]),
            Err(400)
        );
    }
}
