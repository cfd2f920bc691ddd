//! Which addresses a deployment lets tools reach. Link-local and metadata addresses are out of the question and not
//! decided here.

use super::{ClosedBy, EgressRule, ProxyAddress};
use std::net::IpAddr;

/// What is checked is the address that is dialled, with the name that led to it.
#[derive(Clone, Debug)]
pub struct EgressSettings {
    /// Private networks (RFC 1918, RFC 6598, RFC 4193).
    pub allow_private: bool,
    /// The machine that the gateway runs on.
    pub allow_loopback: bool,
    /// Only these, if there are any. A network listed here is allowed even where it is private.
    pub allow: Vec<EgressRule>,
    /// Never these.
    pub deny: Vec<EgressRule>,
    /// Forward proxies that definitions may use. What a name leads to is then the proxy's business; only names and
    /// addresses that the definition itself has are checked here.
    pub proxies: Vec<ProxyAddress>,
}

impl Default for EgressSettings {
    fn default() -> Self {
        Self {
            allow_private: true,
            allow_loopback: true,
            allow: Vec::new(),
            deny: Vec::new(),
            proxies: Vec::new(),
        }
    }
}

impl EgressSettings {
    /// Why `address`, which `host` led to, is not dialled; `None` if it may be.
    pub(in crate::engine) fn refuses(&self, host: &str, address: IpAddr) -> Option<&'static str> {
        let address = address.to_canonical();
        let host = host.trim_end_matches('.');
        let matches = |rule: &EgressRule| rule.matches(host, address);
        if let Some(closed) = ClosedBy::lists(&self.allow, &self.deny, matches) {
            return Some(reason(closed));
        }
        // A name may lead anywhere; only a network says that these addresses are meant.
        let is_meant = |rule: &EgressRule| matches!(rule, EgressRule::Network(..)) && matches(rule);
        if self.allow.iter().any(is_meant) {
            return None;
        }
        if (address.is_loopback() || address.is_unspecified()) && !self.allow_loopback {
            return Some("it leads to the gateway's own machine (`egress.allow_loopback`)");
        }
        if is_private(address) && !self.allow_private {
            return Some("it leads into a private network (`egress.allow_private`)");
        }
        None
    }

    /// The same for a name that somebody else resolves: networks cannot be judged, so in `allow` they allow nothing.
    pub(in crate::engine) fn refuses_name(&self, host: &str) -> Option<&'static str> {
        let host = host.trim_end_matches('.');
        ClosedBy::lists(&self.allow, &self.deny, |rule| rule.matches_name(host)).map(reason)
    }
}

fn reason(closed: ClosedBy) -> &'static str {
    match closed {
        ClosedBy::Deny => "`egress.deny` of the gateway's configuration names it",
        ClosedBy::Allow => "`egress.allow` of the gateway's configuration does not name it",
    }
}

fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => v4.is_private() || (v4.octets()[0] == 100 && v4.octets()[1] & 0xc0 == 64),
        IpAddr::V6(v6) => v6.is_unique_local(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::NoEgressRule;

    fn rules(texts: &[&str]) -> Vec<EgressRule> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    fn allowed(settings: &EgressSettings, host: &str, address: &str) -> bool {
        settings.refuses(host, address.parse().unwrap()).is_none()
    }

    #[test]
    fn private_and_loopback_are_decided_by_the_address_not_by_the_name() {
        let closed = EgressSettings {
            allow_private: false,
            allow_loopback: false,
            ..EgressSettings::default()
        };
        assert!(allowed(&closed, "example.com", "93.184.216.34"));
        for address in [
            "10.1.2.3",
            "192.168.0.1",
            "172.16.0.1",
            "100.64.0.1",
            "fd12::1",
            "::ffff:10.0.0.1",
        ] {
            assert!(!allowed(&closed, "example.com", address), "{address}");
            assert!(
                allowed(&EgressSettings::default(), "example.com", address),
                "{address}"
            );
        }
        for address in [
            "127.0.0.1",
            "127.8.8.8",
            "::1",
            "0.0.0.0",
            "::",
            "::ffff:127.0.0.1",
        ] {
            assert!(!allowed(&closed, "example.com", address), "{address}");
        }
    }

    #[test]
    fn deny_wins_and_an_allow_list_is_exhaustive() {
        let allow = rules(&["*.example.com", "10.0.0.0/8"]);
        let deny = rules(&["bad.example.com", "10.9.0.0/16"]);
        let settings = EgressSettings {
            allow_private: false,
            allow,
            deny,
            ..EgressSettings::default()
        };
        assert!(allowed(&settings, "API.example.com", "93.184.216.34"));
        assert!(
            allowed(&settings, "anything", "10.1.1.1"),
            "a listed network is meant, private or not"
        );
        assert!(
            !allowed(&settings, "api.example.com", "192.168.1.1"),
            "a listed name does not open private networks"
        );
        for (host, address) in [
            ("bad.example.com.", "93.184.216.34"),
            ("anything", "10.9.1.1"),
            ("example.com", "93.184.216.34"),
            ("notexample.com", "93.184.216.34"),
        ] {
            assert!(!allowed(&settings, host, address), "{host} {address}");
        }
    }

    #[test]
    fn what_is_no_rule_is_refused() {
        for text in [
            "",
            "*",
            "*.",
            ".",
            "*..",
            "::ffff:10.0.0.0/95",
            "::1/129",
            "a:80",
            "http://a",
            "10.0.0.0/33",
            "10.0.0.0/x",
            "a/8",
            "a b",
        ] {
            assert_eq!(text.parse::<EgressRule>(), Err(NoEgressRule), "{text:?}");
        }
        assert!(allowed(
            &EgressSettings {
                deny: rules(&["::/0"]),
                ..EgressSettings::default()
            },
            "x",
            "1.1.1.1"
        ));
        assert!(!allowed(
            &EgressSettings {
                deny: rules(&["0.0.0.0/0"]),
                ..EgressSettings::default()
            },
            "x",
            "1.1.1.1"
        ));
    }
}
