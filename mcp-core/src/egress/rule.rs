//! One entry of a list of hosts and networks, and what two such lists say of a host.

use crate::egress::{Destination, is_in};
use std::{fmt, net::IpAddr, str::FromStr};

/// A host name, `*.example.com` for all names below one, an address, or a network such as `10.0.0.0/8`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum EgressRule {
    /// Exactly one name.
    Name(String),
    /// All names that end with a text, which begins with a dot.
    Below(String),
    /// All addresses that share the first bits with this one.
    Network(IpAddr, u32),
}

/// Text that is no [`EgressRule`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("write a host name, \"*.example.com\", an address, or a network such as \"10.0.0.0/8\"")]
pub struct NoEgressRule;

impl FromStr for EgressRule {
    type Err = NoEgressRule;

    fn from_str(text: &str) -> Result<Self, NoEgressRule> {
        let (host, bits) = text
            .split_once('/')
            .map_or((text, None), |(host, bits)| (host, Some(bits)));
        if let Ok(address) = host.trim_matches(['[', ']']).parse::<IpAddr>() {
            let width = if address.is_ipv4() { 32 } else { 128 };
            let bits = bits
                .map_or(Ok(width), |bits| bits.parse::<u32>())
                .map_err(|_| NoEgressRule)?;
            // An address that only wraps an IPv4 one is compared as that one, so its bits are counted there.
            let canonical = address.to_canonical();
            let wrapping = if canonical.is_ipv4() { width - 32 } else { 0 };
            return match bits.checked_sub(wrapping) {
                Some(left) if bits <= width => Ok(Self::Network(canonical, left)),
                _ => Err(NoEgressRule),
            };
        }
        let (name, below) = host.strip_prefix("*.").map_or((host, false), |name| (name, true));
        let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
        if bits.is_some() || name.is_empty() || !name.chars().all(is_name) {
            return Err(NoEgressRule);
        }
        let name = name.to_ascii_lowercase();
        // As hosts are compared: without the dot of the root.
        let name = name.trim_end_matches('.');
        if name.is_empty() {
            return Err(NoEgressRule);
        }
        Ok(if below {
            Self::Below(format!(".{name}"))
        } else {
            Self::Name(name.to_owned())
        })
    }
}

/// The rule as it is written.
impl fmt::Display for EgressRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Below(end) => write!(f, "*{end}"),
            Self::Network(address, bits) if address.is_ipv4() && *bits == 32 || *bits == 128 => {
                write!(f, "{address}")
            }
            Self::Network(address, bits) => write!(f, "{address}/{bits}"),
        }
    }
}

/// Which of the two lists closes a host or an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ClosedBy {
    /// It names it.
    Deny,
    /// It names others only.
    Allow,
}

impl ClosedBy {
    /// What the lists say of an address that `host` led to. `deny` wins and has every part of the address; an empty `allow`
    /// names everything. `host` without a dot at its end.
    pub(crate) fn address(
        allow: &[EgressRule],
        deny: &[EgressRule],
        host: &str,
        destination: &Destination,
    ) -> Option<Self> {
        let names = |list: &[EgressRule]| list.iter().any(|rule| rule.matches_name(host));
        if names(deny) || destination.touches(|part| EgressRule::have(deny, part)) {
            return Some(Self::Deny);
        }
        let is_allowed =
            allow.is_empty() || names(allow) || destination.is_within(|part| EgressRule::have(allow, part));
        (!is_allowed).then_some(Self::Allow)
    }

    /// What the lists say of a name alone. `host` without a dot at its end.
    pub(crate) fn name(allow: &[EgressRule], deny: &[EgressRule], host: &str) -> Option<Self> {
        let names = |list: &[EgressRule]| list.iter().any(|rule| rule.matches_name(host));
        if names(deny) {
            return Some(Self::Deny);
        }
        (!allow.is_empty() && !names(allow)).then_some(Self::Allow)
    }
}

impl EgressRule {
    /// Whether one of the networks has this address.
    pub(crate) fn have(rules: &[Self], address: IpAddr) -> bool {
        rules.iter().any(|rule| match rule {
            Self::Name(_) | Self::Below(_) => false,
            Self::Network(network, bits) => is_in(address, *network, *bits),
        })
    }

    fn matches_name(&self, host: &str) -> bool {
        match self {
            Self::Name(name) => host.eq_ignore_ascii_case(name),
            Self::Below(end) => host.to_ascii_lowercase().ends_with(end.as_str()),
            Self::Network(..) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(texts: &[&str]) -> Vec<EgressRule> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn a_rule_names_the_same_in_every_spelling() {
        for (rule, same) in [
            ("EXAMPLE.com.", "example.com"),
            ("*.Example.com.", "*.example.com"),
            ("::ffff:10.0.0.0/104", "10.0.0.0/8"),
            ("[::ffff:10.1.2.3]", "10.1.2.3/32"),
            ("::ffff:0:0/96", "0.0.0.0/0"),
        ] {
            assert_eq!(rules(&[rule]), rules(&[same]), "{rule}");
            let written = rules(&[rule])[0].to_string();
            assert_eq!(rules(&[&written]), rules(&[same]), "{rule}");
        }
    }
}
