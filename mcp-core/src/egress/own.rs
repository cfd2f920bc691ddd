//! Which hosts and addresses a definition itself lets its calls reach, compiled. It only narrows what the gateway lets
//! tools reach: both have to permit.

use super::{ClosedBy, Destination, EgressRule};
use mcp_common::{definition::tool::EgressBinding, problem::Problem};
use std::{
    hash::{Hash, Hasher},
    net::{IpAddr, Ipv4Addr},
};
use url::Host;

/// The `egress` member; at least one of the lists has an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OwnEgress {
    pub(crate) allow: Vec<EgressRule>,
    pub(crate) deny: Vec<EgressRule>,
}

/// It is part of a pool's key, which is hashed in each call; long lists would be felt.
impl Hash for OwnEgress {
    fn hash<H: Hasher>(&self, state: &mut H) {
        for list in [&self.allow, &self.deny] {
            list.len().hash(state);
            list.first().hash(state);
        }
    }
}

impl OwnEgress {
    /// `None` where it closes nothing, and where there is a problem with it. `at` is what the binding is a member of, with a dot behind it.
    pub(crate) fn compile(binding: &EgressBinding, at: &str, problems: &mut Vec<Problem>) -> Option<Self> {
        let before = problems.len();
        let mut rules = |list: &str, texts: &[String]| -> Vec<EgressRule> {
            let parsed = texts.iter().enumerate().filter_map(|(place, text)| {
                let refused = |reason| {
                    let at = format!("{at}egress.{list}[{place}]");
                    problems.push(Problem::at(at, format!("`{text}` is no rule; {reason}")));
                };
                text.trim().parse().map_err(refused).ok()
            });
            parsed.collect()
        };
        let own = Self {
            allow: rules("allow", &binding.allow),
            deny: rules("deny", &binding.deny),
        };
        let has_rules = !own.allow.is_empty() || !own.deny.is_empty();
        (has_rules && problems.len() == before).then_some(own)
    }

    /// Why `destination`, which `host` led to, is not dialled; `None` if it may be.
    pub(crate) fn refuses(&self, host: &str, destination: &Destination) -> Option<&'static str> {
        let host = host.trim_end_matches('.');
        ClosedBy::address(&self.allow, &self.deny, host, destination).map(reason)
    }

    /// The same for a name that somebody else resolves: networks cannot be judged, so in `allow` they allow nothing.
    pub(crate) fn refuses_name(&self, host: &str) -> Option<&'static str> {
        self.closed_name(host).map(reason)
    }

    /// What is known of a host before it is resolved: why it will never be called.
    pub(crate) fn excludes(&self, host: &str, is_proxied: bool) -> Option<&'static str> {
        let refuses = |host: &str, address: IpAddr| self.refuses(host, &Destination::of(address));
        let name = match Host::parse(host).ok()? {
            Host::Ipv4(address) => return refuses(host, address.into()),
            Host::Ipv6(address) => return refuses(host, address.into()),
            Host::Domain(name) => name,
        };
        let name = name.trim_end_matches('.');
        let is_loopback = name == "localhost" || name.ends_with(".localhost");
        if is_proxied && is_loopback {
            return refuses(name, Ipv4Addr::LOCALHOST.into());
        }
        let has_networks = || {
            let is_network = |rule: &EgressRule| matches!(rule, EgressRule::Network(..));
            self.allow.iter().any(is_network)
        };
        match self.closed_name(name)? {
            // Its address may be in one of them.
            ClosedBy::Allow if !is_proxied && has_networks() => None,
            closed => Some(reason(closed)),
        }
    }

    fn closed_name(&self, host: &str) -> Option<ClosedBy> {
        let host = host.trim_end_matches('.');
        ClosedBy::name(&self.allow, &self.deny, host)
    }
}

fn reason(closed: ClosedBy) -> &'static str {
    match closed {
        ClosedBy::Deny => "`egress.deny` of the definition names it",
        ClosedBy::Allow => "`egress.allow` of the definition does not name it",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own(allow: &[&str], deny: &[&str]) -> OwnEgress {
        let texts = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect();
        let (allow, deny) = (texts(allow), texts(deny));
        let mut problems = Vec::new();
        let own = OwnEgress::compile(&EgressBinding { allow, deny }, "", &mut problems);
        assert!(problems.is_empty(), "{problems:?}");
        own.unwrap()
    }

    #[test]
    fn what_is_known_of_a_host_before_it_is_resolved() {
        let names = own(&["*.example.com"], &["bad.example.com"]);
        let networks = own(&["*.example.com", "10.0.0.0/8"], &["127.0.0.0/8", "::1"]);
        // Host, and whether `names` and `networks` exclude it, the latter also through a proxy.
        for (host, by_names, by_networks, proxied) in [
            ("api.example.com", false, false, false),
            ("API.example.com.", false, false, false),
            ("bad.example.com", true, false, false),
            ("other.example", true, false, true),
            ("10.1.2.3", true, false, false),
            ("127.0.0.1", true, true, true),
            ("127.1", true, true, true),
            ("0x7f000001", true, true, true),
            ("[::1]", true, true, true),
            ("[::ffff:10.1.2.3]", true, false, false),
            ("localhost", true, false, true),
            ("localhost.", true, false, true),
        ] {
            assert_eq!(names.excludes(host, false).is_some(), by_names, "{host}");
            assert_eq!(networks.excludes(host, false).is_some(), by_networks, "{host}");
            assert_eq!(networks.excludes(host, true).is_some(), proxied, "{host}");
        }
    }

    #[test]
    fn empty_lists_close_nothing() {
        let (allow, deny) = (Vec::new(), Vec::new());
        let own = OwnEgress::compile(&EgressBinding { allow, deny }, "", &mut Vec::new());
        assert_eq!(own, None);
    }
}
