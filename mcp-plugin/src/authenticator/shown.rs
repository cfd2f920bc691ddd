//! The key that a request shows, in either of two headers.

use http::{HeaderMap, HeaderName, HeaderValue, header::AUTHORIZATION};
use mcp_common::authenticator::Denied;
#[cfg(feature = "introspection")]
use mcp_common::definition::api_key::Token;
use subtle::{Choice, ConstantTimeEq};

const X_API_KEY: HeaderName = HeaderName::from_static("x-api-key");

/// What is said of a key that nobody has: the same whatever is wrong with it.
pub(super) const UNKNOWN: &str = "the key is not known here";

/// Everything that may be one.
pub(super) fn all(headers: &HeaderMap) -> impl Iterator<Item = &[u8]> {
    let plain = headers.get_all(X_API_KEY).iter().map(HeaderValue::as_bytes);
    plain.chain(headers.get_all(AUTHORIZATION).iter().filter_map(bearer))
}

/// The key. Shown in both headers it has to be one.
pub(super) fn key(headers: &HeaderMap) -> Result<&[u8], Denied> {
    let mut shown = all(headers);
    let first = shown.next().ok_or(Denied::Missing)?;
    let all_the_same = shown.fold(Choice::from(1), |same, other| same & first.ct_eq(other));
    if !bool::from(all_the_same) {
        let reason = "the request shows two different keys: send either `x-api-key` or `Authorization`";
        return Err(Denied::Invalid(reason.to_owned()));
    }
    Ok(first)
}

/// The token that somebody else may be asked about. What stands in `x-api-key`, or has the form of a key of the store, is a key, also where nobody
/// here has it: a gateway that does may be next to this one.
#[cfg(feature = "introspection")]
pub(super) fn token(headers: &HeaderMap) -> Result<&[u8], Denied> {
    let shown = key(headers)?;
    match headers.contains_key(X_API_KEY) || Token::is_like(shown) {
        true => Err(Denied::Invalid(UNKNOWN.to_owned())),
        false => Ok(shown),
    }
}

/// The credential of `Authorization: Bearer …`; other schemes are somebody else's. RFC 9110, section 11.1: the
/// scheme's letter case does not matter.
fn bearer(value: &HeaderValue) -> Option<&[u8]> {
    let value = value.as_bytes();
    let (scheme, rest) = value.split_at_checked(6)?;
    let is_bearer = scheme.eq_ignore_ascii_case(b"bearer") && rest.first().is_none_or(|&byte| byte == b' ');
    is_bearer.then(|| rest.trim_ascii())
}
