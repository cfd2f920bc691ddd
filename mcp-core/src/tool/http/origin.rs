//! Where a tool's calls go: scheme, authority and path prefix, taken apart once.

use http::{
    HeaderValue,
    uri::{Authority, Scheme},
};
use mcp_common::{definition::tool::HttpBinding, problem::Problem};
use std::net::{Ipv4Addr, Ipv6Addr};

/// The upstream of a tool.
#[derive(Clone, Debug)]
pub(crate) struct Origin {
    pub(crate) scheme: Scheme,
    pub(crate) authority: Authority,
    /// Ready for HTTP/1.1. TLS upstreams may speak HTTP/2, which has `:authority` instead.
    pub(crate) host: Option<HeaderValue>,
    /// The path's prefix without a slash at the end; empty where there is none.
    pub(crate) prefix: String,
}

impl Origin {
    /// Compiles `domain` or `base_url`.
    pub(crate) fn compile(binding: &HttpBinding) -> Result<Self, Problem> {
        match (&binding.domain, &binding.base_url) {
            (None, None) if let Some(upstream) = &binding.upstream => Self::of_upstream(upstream),
            (Some(domain), _) => Self::from_domain(domain.trim())
                .map_err(|reason| Problem::at("tds_ext_info.domain", format!("`{domain}` {reason}"))),
            (None, Some(url)) => Self::from_base_url(url.trim())
                .map_err(|reason| Problem::at("tds_ext_info.base_url", format!("`{url}` {reason}"))),
            (None, None) => Err(Problem::at(
                "tds_ext_info.domain",
                "is missing: name the host, or give `base_url`",
            )),
        }
    }

    fn from_domain(domain: &str) -> Result<Self, &'static str> {
        let (scheme, rest) = match split_scheme(domain)? {
            (Some(scheme), rest) => (Some(scheme), rest),
            (None, rest) => (None, rest),
        };
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        if rest.contains(['/', '?', '#']) {
            return Err("is more than a host: put the path into `path`, or use `base_url`");
        }
        let authority = parse_authority(rest)?;
        let scheme = scheme.unwrap_or_else(|| default_scheme(authority.host()));
        Ok(Self::new(scheme, authority, String::new()))
    }

    /// Stands for the endpoints of an upstream, of which each call gets one.
    fn of_upstream(id: &str) -> Result<Self, Problem> {
        let authority = parse_authority(id).map_err(|reason| Problem::at("tds_ext_info.upstream", reason))?;
        Ok(Self {
            scheme: Scheme::HTTP,
            authority,
            host: None,
            prefix: String::new(),
        })
    }

    pub(super) fn from_base_url(url: &str) -> Result<Self, &'static str> {
        let (Some(scheme), rest) = split_scheme(url)? else {
            return Err("must begin with http:// or https://");
        };
        if rest.contains(['?', '#']) {
            return Err("must not have a query or a fragment");
        }
        let (authority, prefix) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        if prefix.contains(['{', '}']) || prefix.split('/').any(|segment| segment.starts_with(':')) {
            return Err("must not have placeholders; they stand in `path`");
        }
        let mut encoded = String::new();
        super::path::encode_literal(prefix.trim_end_matches('/'), &mut encoded)?;
        Ok(Self::new(scheme, parse_authority(authority)?, encoded))
    }

    fn new(scheme: Scheme, authority: Authority, prefix: String) -> Self {
        let is_plain = scheme == Scheme::HTTP;
        let default_port = authority.port_u16() == Some(80);
        let host = if default_port {
            authority.host()
        } else {
            authority.as_str()
        };
        let host = is_plain.then(|| HeaderValue::from_str(host).ok()).flatten();
        Self {
            scheme,
            authority,
            host,
            prefix,
        }
    }
}

fn split_scheme(text: &str) -> Result<(Option<Scheme>, &str), &'static str> {
    let Some((scheme, rest)) = text.split_once("://") else {
        return Ok((None, text));
    };
    match scheme.to_ascii_lowercase().as_str() {
        "http" => Ok((Some(Scheme::HTTP), rest)),
        "https" => Ok((Some(Scheme::HTTPS), rest)),
        _ => Err("has a scheme other than http and https"),
    }
}

fn parse_authority(text: &str) -> Result<Authority, &'static str> {
    if text.is_empty() {
        return Err("names no host");
    }
    if text.contains('@') {
        return Err("must not carry credentials");
    }
    if !text.is_ascii() {
        return Err("is not ASCII; write an international name in its xn-- form");
    }
    let authority: Authority = text.parse().map_err(|_| "is not a host or host:port")?;
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_' | b':' | b'[' | b']');
    let is_address = authority.host().starts_with('[');
    if authority.host().is_empty()
        || !text.bytes().all(allowed)
        || (!is_address && authority.host().contains(':'))
    {
        return Err("is not a host or host:port");
    }
    let port = text
        .get(authority.host().len()..)
        .and_then(|rest| rest.strip_prefix(':'));
    if port.is_some() && authority.port_u16().is_none_or(|port| port == 0) {
        return Err("has a port that is not from 1 to 65535");
    }
    Ok(authority)
}

/// TLS, except for the machine itself.
fn default_scheme(host: &str) -> Scheme {
    let name = host.trim_matches(['[', ']']).to_ascii_lowercase();
    let is_loopback = name == "localhost"
        || name.ends_with(".localhost")
        || name
            .parse::<Ipv4Addr>()
            .is_ok_and(|address| address.is_loopback())
        || name
            .parse::<Ipv6Addr>()
            .is_ok_and(|address| address.is_loopback());
    if is_loopback { Scheme::HTTP } else { Scheme::HTTPS }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_domain_is_a_host_with_or_without_port_and_scheme() {
        let table = [
            ("api.example.com", "https://api.example.com"),
            ("api.example.com:8443", "https://api.example.com:8443"),
            ("http://api.example.com", "http://api.example.com"),
            ("HTTPS://api.example.com/", "https://api.example.com"),
            ("localhost:3000", "http://localhost:3000"),
            ("a.localhost", "http://a.localhost"),
            ("127.0.0.1:3000", "http://127.0.0.1:3000"),
            ("127.1.2.3", "http://127.1.2.3"),
            ("[::1]:3000", "http://[::1]:3000"),
            ("10.0.0.1:80", "https://10.0.0.1:80"),
            ("https://localhost:3000", "https://localhost:3000"),
        ];
        for (domain, expected) in table {
            let origin = Origin::from_domain(domain).unwrap();
            assert_eq!(
                format!("{}://{}", origin.scheme, origin.authority),
                expected,
                "{domain}"
            );
        }
    }

    #[test]
    fn what_is_no_host_is_refused() {
        let table = [
            ("", "names no host"),
            ("https://", "names no host"),
            ("ftp://x", "scheme"),
            ("user:pw@x", "credentials"),
            ("x/y", "more than a host"),
            ("x?y", "more than a host"),
            ("a b", "not a host"),
            ("x:99999", "port"),
            ("x:", "port"),
            ("bücher.example", "xn--"),
            ("{{ vars.host }}", "not a host"),
            ("a:b:c", "not a host"),
        ];
        for (domain, expected) in table {
            let reason = Origin::from_domain(domain).unwrap_err();
            assert!(reason.contains(expected), "{domain}: {reason}");
        }
    }

    #[test]
    fn a_base_url_has_a_scheme_and_may_have_a_path() {
        let origin = Origin::from_base_url("https://eu.example.com/api/").unwrap();
        assert_eq!(
            (origin.authority.as_str(), origin.prefix.as_str()),
            ("eu.example.com", "/api")
        );
        assert!(Origin::from_base_url("eu.example.com/api").is_err());
        assert!(Origin::from_base_url("https://eu.example.com/api?x=1").is_err());
        assert!(Origin::from_base_url("https://eu.example.com/{id}").is_err());
        assert!(Origin::from_base_url("https://eu.example.com/a/../b").is_err());
    }

    #[test]
    fn the_host_header_leaves_the_default_port_out() {
        let host = |domain: &str| Origin::from_domain(domain).unwrap().host;
        assert_eq!(host("http://a:80").unwrap(), "a");
        assert_eq!(host("http://a:8080").unwrap(), "a:8080");
        assert_eq!(host("https://a"), None);
    }
}
