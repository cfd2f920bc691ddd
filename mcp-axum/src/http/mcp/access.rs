//! From where `/mcp` may be reached: the defence against DNS rebinding (MCP specification, "Streamable HTTP:
//! Security Warning"). Browsers send `Origin`, other clients do not; `Host` is checked where the names are known.

use crate::{app::Guard, http::error::Error, settings::AppSettings};
use http::{HeaderMap, HeaderName, StatusCode, header};
use mcp_common::authenticator::{Arrival, Denied, Principal};
use std::net::IpAddr;

/// Where a browser says that a request comes from: `same-origin`, `same-site`, `cross-site`, or `none` where its user wanted it.
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
/// What is said of a certificate that speaks for nobody.
const FOREIGN_PAGE: &str = "a page from elsewhere is not let in by the certificate of its browser: let it show a key or a token, or name its origin \
     in `app.allowed_origins`";

/// The rules, as configured.
#[derive(Clone, Debug, Default)]
pub(crate) struct AccessRules {
    /// Host names that requests may name; empty: loopback names; `None`: not checked.
    hosts: Option<Vec<String>>,
    /// Origins that browsers may come from; `*` for any.
    origins: Vec<String>,
    /// Loopback origins are fine on any port.
    loopback_origins: bool,
}

impl AccessRules {
    pub(crate) fn new(settings: &AppSettings) -> Self {
        Self::of(
            settings.bound_to_loopback(),
            &settings.allowed_hosts.0,
            &settings.allowed_origins.0,
        )
    }

    /// While bound to loopback only loopback names and origins make sense, unless configured otherwise.
    fn of(loopback: bool, allowed_hosts: &[String], allowed_origins: &[String]) -> Self {
        let hosts = match allowed_hosts {
            [] if loopback => Some(Vec::new()),
            [] => None,
            names if names.iter().any(|name| name == "*") => None,
            names => Some(names.to_vec()),
        };
        let origins = allowed_origins
            .iter()
            .map(|origin| origin.trim_end_matches('/').to_owned());
        Self {
            hosts,
            origins: origins.collect(),
            loopback_origins: loopback && allowed_origins.is_empty(),
        }
    }

    /// 403 for a foreign Host or Origin.
    pub(super) fn check(&self, headers: &HeaderMap) -> Result<(), Error> {
        self.check_host(headers)?;
        let Some(origin) = headers.get(header::ORIGIN) else {
            return Ok(());
        };
        if !self.origin_allowed(origin.to_str().unwrap_or_default()) {
            return Err(refused("Origin", "app.allowed_origins"));
        }
        Ok(())
    }

    /// The same where the gateway serves pages of its own: these come from the host that they call.
    pub(crate) fn check_with_own_pages(&self, headers: &HeaderMap) -> Result<(), Error> {
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
        let own = text(header::HOST)
            .zip(text(header::ORIGIN).and_then(|origin| origin.split_once("://")))
            .is_some_and(|(host, (_, from))| host.eq_ignore_ascii_case(from));
        if own {
            self.check_host(headers)
        } else {
            self.check(headers)
        }
    }

    /// Who sent a request. A browser shows the certificate of its user with whatever any page asks for, as it does cookies: to a page from elsewhere
    /// that opens nothing.
    pub(crate) async fn recognise(&self, guard: &Guard, arrival: Arrival<'_>) -> Result<Principal, Denied> {
        if arrival.certificate.is_none() || !self.is_page_from_elsewhere(arrival.headers) {
            return guard.recognise(arrival).await;
        }
        let shown = Arrival {
            certificate: None,
            ..arrival
        };
        match guard.recognise(shown).await {
            Err(Denied::Missing) => Err(Denied::Invalid(FOREIGN_PAGE.to_owned())),
            found => found,
        }
    }

    /// Whether a page sent it that is neither the gateway's own nor one of an origin that is named; `*` names none. Over TLS, where certificates are.
    fn is_page_from_elsewhere(&self, headers: &HeaderMap) -> bool {
        let text = |name| {
            let value = headers.get(name);
            value.map(|value| value.to_str().unwrap_or_default())
        };
        let is_named = |origin: &str| {
            self.origins
                .iter()
                .any(|known| known.eq_ignore_ascii_case(origin))
        };
        let is_own = |origin: &str| {
            let own = origin.strip_prefix("https://").zip(text(header::HOST));
            own.is_some_and(|(from, host)| from.eq_ignore_ascii_case(host))
        };
        match (text(SEC_FETCH_SITE), text(header::ORIGIN)) {
            (Some("same-origin" | "none"), _) | (None, None) => false,
            (_, Some(origin)) if is_named(origin) => false,
            // Of a browser that does not say it.
            (None, Some(origin)) => !is_own(origin),
            (Some(_), _) => true,
        }
    }

    fn check_host(&self, headers: &HeaderMap) -> Result<(), Error> {
        if let Some(hosts) = &self.hosts {
            let host = headers
                .get(header::HOST)
                .map(|value| value.to_str().unwrap_or_default());
            // HTTP/2 puts the name into the URI and may leave the header out.
            if host.is_some_and(|host| !host_allowed(host, hosts)) {
                return Err(refused("Host", "app.allowed_hosts"));
            }
        }
        Ok(())
    }

    fn origin_allowed(&self, origin: &str) -> bool {
        let known = |known: &String| known == "*" || known.eq_ignore_ascii_case(origin);
        if self.origins.iter().any(known) {
            return true;
        }
        let host = origin.split_once("://").map(|(_, host)| name_of(host));
        self.loopback_origins && host.is_some_and(is_loopback)
    }
}

fn refused(header: &str, setting: &str) -> Error {
    Error::new(
        StatusCode::FORBIDDEN,
        format!("this {header} is not allowed here; `{setting}` lists those that are"),
    )
}

fn host_allowed(host: &str, hosts: &[String]) -> bool {
    let name = name_of(host);
    let listed = |known: &String| known.eq_ignore_ascii_case(name) || known.eq_ignore_ascii_case(host);
    if hosts.is_empty() {
        is_loopback(name)
    } else {
        hosts.iter().any(listed)
    }
}

/// The name without the port; an IPv6 address keeps no brackets.
fn name_of(host: &str) -> &str {
    if let Some(rest) = host.strip_prefix('[') {
        return rest.split(']').next().unwrap_or_default();
    }
    host.rsplit_once(':').map_or(host, |(name, _)| name)
}

fn is_loopback(name: &str) -> bool {
    name.eq_ignore_ascii_case("localhost")
        || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(access: &AccessRules, host: &'static str, origin: Option<&'static str>) -> u16 {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, http::HeaderValue::from_static(host));
        if let Some(origin) = origin {
            headers.insert(header::ORIGIN, http::HeaderValue::from_static(origin));
        }
        access
            .check(&headers)
            .err()
            .map_or(200, |error| error.status().as_u16())
    }

    #[test]
    fn bound_to_loopback_only_loopback_names_and_origins_get_in() {
        let access = AccessRules::of(true, &[], &[]);
        for host in ["localhost:8080", "127.0.0.1:8080", "[::1]:8080", "LOCALHOST"] {
            assert_eq!(status(&access, host, None), 200, "{host}");
        }
        for host in [
            "evil.example.com",
            "localhost.evil.com:80",
            "127.0.0.1.evil.com",
            "",
        ] {
            assert_eq!(status(&access, host, None), 403, "{host}");
        }
        assert_eq!(status(&access, "localhost", Some("http://localhost:6274")), 200);
        assert_eq!(
            status(&access, "localhost", Some("https://evil.example.com")),
            403
        );
        assert_eq!(status(&access, "localhost", Some("null")), 403);
    }

    #[test]
    fn pages_from_elsewhere_are_those_that_are_neither_own_nor_named() {
        let named = ["https://app.example.com".to_owned(), "*".to_owned()];
        let access = AccessRules::of(false, &[], &named);
        let is_elsewhere = |site: Option<&'static str>, origin: Option<&'static str>| {
            let mut headers = HeaderMap::new();
            headers.insert(
                header::HOST,
                http::HeaderValue::from_static("gw.example.com:8443"),
            );
            let shown = [(SEC_FETCH_SITE, site), (header::ORIGIN, origin)];
            let shown = shown.into_iter().filter_map(|(name, value)| Some((name, value?)));
            headers.extend(shown.map(|(name, value)| (name, http::HeaderValue::from_static(value))));
            access.is_page_from_elsewhere(&headers)
        };
        for (site, origin) in [
            (None, None),
            (Some("none"), None),
            (Some("same-origin"), None),
            (Some("same-origin"), Some("https://gw.example.com:8443")),
            (None, Some("https://GW.example.com:8443")),
            (None, Some("https://app.example.com")),
            (Some("cross-site"), Some("https://app.example.com")),
        ] {
            assert!(!is_elsewhere(site, origin), "{site:?} {origin:?}");
        }
        for (site, origin) in [
            (Some("cross-site"), None),
            (Some("same-site"), None),
            (Some("whatever"), None),
            (Some("cross-site"), Some("https://evil.example")),
            (Some("same-site"), Some("https://gw.example.com:8443")),
            (None, Some("https://evil.example")),
            (None, Some("http://gw.example.com:8443")),
            (None, Some("https://gw.example.com")),
            (None, Some("null")),
            (None, Some("*x")),
        ] {
            assert!(is_elsewhere(site, origin), "{site:?} {origin:?}");
        }
    }

    #[test]
    fn bound_to_the_network_hosts_are_checked_when_configured_and_origins_always() {
        let open = AccessRules::of(false, &[], &[]);
        assert_eq!(status(&open, "gw.example.com", None), 200);
        assert_eq!(status(&open, "gw.example.com", Some("http://localhost:1")), 403);
        let named = AccessRules::of(
            false,
            &["GW.example.com".to_owned()],
            &["https://app.example.com/".to_owned()],
        );
        assert_eq!(
            status(&named, "gw.example.com:8443", Some("https://app.example.com")),
            200
        );
        assert_eq!(status(&named, "other.example.com", None), 403);
        assert_eq!(
            status(&named, "gw.example.com", Some("https://app.example.com.evil.com")),
            403
        );
    }
}
