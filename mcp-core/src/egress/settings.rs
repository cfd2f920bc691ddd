//! Which addresses a deployment lets tools reach. Link-local and metadata addresses are out of the question and not
//! decided here.

use super::{
    proxy_address::ProxyAddress,
    rule::{ClosedBy, EgressRule},
};
use crate::egress::{Destination, Scope};

/// What is checked is the address that is dialled, with the name that led to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EgressSettings {
    /// Whatever is not globally reachable by the IANA Special-Purpose Address Registries: private networks, and those that
    /// are kept for documents, benchmarks and the like.
    pub allow_private: bool,
    /// The machine that the gateway runs on.
    pub allow_loopback: bool,
    /// The only hosts and networks that are reached, if there are any. A network listed here is allowed even where it is private.
    pub allow: Vec<EgressRule>,
    /// The hosts and networks that are never reached.
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
    /// Why `destination`, which `host` led to, is not dialled; `None` if it may be.
    pub(crate) fn refuses(&self, host: &str, destination: &Destination) -> Option<&'static str> {
        let host = host.trim_end_matches('.');
        if let Some(closed) = ClosedBy::address(&self.allow, &self.deny, host, destination) {
            return Some(reason(closed));
        }
        // A name may lead anywhere; only a network says that these addresses are meant.
        match destination.scope_without(|part| EgressRule::have(&self.allow, part)) {
            Scope::Loopback if !self.allow_loopback => {
                Some("it leads to the gateway's own machine (`egress.allow_loopback`)")
            }
            Scope::Private if !self.allow_private => {
                Some("it leads into a private network (`egress.allow_private`)")
            }
            _ => None,
        }
    }

    /// The same for a name that somebody else resolves: networks cannot be judged, so in `allow` they allow nothing.
    pub(crate) fn refuses_name(&self, host: &str) -> Option<&'static str> {
        let host = host.trim_end_matches('.');
        ClosedBy::name(&self.allow, &self.deny, host).map(reason)
    }
}

fn reason(closed: ClosedBy) -> &'static str {
    match closed {
        ClosedBy::Deny => "`egress.deny` of the gateway's configuration names it",
        ClosedBy::Allow => "`egress.allow` of the gateway's configuration does not name it",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::egress::rule::NoEgressRule;

    fn rules(texts: &[&str]) -> Vec<EgressRule> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    fn allowed(settings: &EgressSettings, host: &str, address: &str) -> bool {
        let destination = Destination::of(address.parse().unwrap());
        settings.refuses(host, &destination).is_none()
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
