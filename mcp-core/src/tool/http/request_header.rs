//! Headers of clients' requests that definitions may use.

use super::header_name;
use http::HeaderName;
use std::str::FromStr;

/// Headers of the client's request that are the gateway's own business.
const NEVER_PASSED: [&str; 13] = [
    "authorization",
    "x-api-key",
    "cookie",
    "proxy-authorization",
    "host",
    "origin",
    "content-length",
    "content-type",
    "connection",
    "accept",
    "accept-encoding",
    "forwarded",
    "x-real-ip",
];

/// A header of a client's request that may reach an upstream: no credential for the gateway, nothing that belongs to
/// the connection or to proxies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestHeader(HeaderName);

/// Why a header never reaches an upstream.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoRequestHeader {
    /// The text is not the name of any header.
    #[error("is not the name of a header")]
    Name,
    /// Credentials for the gateway, framing, proxies.
    #[error(
        "`{0}` is between the client and the gateway and never passed on; have clients send another one, such as X-Upstream-Authorization"
    )]
    Own(HeaderName),
}

impl RequestHeader {
    /// The header's name.
    pub fn name(&self) -> &HeaderName {
        &self.0
    }
}

impl FromStr for RequestHeader {
    type Err = NoRequestHeader;

    fn from_str(text: &str) -> Result<Self, NoRequestHeader> {
        let name = HeaderName::from_bytes(text.trim().as_bytes()).map_err(|_| NoRequestHeader::Name)?;
        let begins = |prefix: &str| name.as_str().starts_with(prefix);
        let is_own = NEVER_PASSED.contains(&name.as_str())
            || begins("mcp-")
            || begins("x-forwarded-")
            || header_name::read(name.as_str()).is_err();
        match is_own {
            true => Err(NoRequestHeader::Own(name)),
            false => Ok(Self(name)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{NoRequestHeader, RequestHeader};

    #[test]
    fn what_is_between_client_and_gateway_stays_there() {
        let header: RequestHeader = " X-Tenant ".parse().unwrap();
        assert_eq!(header.name(), "x-tenant");
        for own in [
            "Authorization",
            "x-api-key",
            "COOKIE",
            "Proxy-Authorization",
            "Proxy-Connection",
            "Transfer-Encoding",
            "Upgrade",
            "te",
            "Via",
            "Forwarded",
            "X-Forwarded-For",
            "X-Real-IP",
            "Mcp-Session-Id",
            "Host",
        ] {
            assert!(
                matches!(own.parse::<RequestHeader>(), Err(NoRequestHeader::Own(_))),
                "{own}"
            );
        }
        for wrong in ["", "a b", "ü", "X-A:"] {
            assert_eq!(wrong.parse::<RequestHeader>(), Err(NoRequestHeader::Name));
        }
    }
}
