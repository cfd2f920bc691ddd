//! Which addresses a deployment lets tools reach. Link-local and metadata addresses are out of the question and not
//! decided here.

use super::ProxyAddress;
use std::{fmt, net::IpAddr, str::FromStr};

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

/// A host name, `*.example.com` for all names below one, an address, or a network such as `10.0.0.0/8`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum EgressRule {
    /// Exactly this name.
    Name(String),
    /// All names that end with this, which begins with a dot.
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

/// As it is written.
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
    /// `matches` says whether a rule names what is asked about. `deny` wins; an empty `allow` names everything.
    pub(crate) fn lists(
        allow: &[EgressRule],
        deny: &[EgressRule],
        matches: impl Fn(&EgressRule) -> bool,
    ) -> Option<Self> {
        if deny.iter().any(&matches) {
            return Some(Self::Deny);
        }
        (!allow.is_empty() && !allow.iter().any(&matches)).then_some(Self::Allow)
    }

    /// For the lists of the gateway's configuration.
    fn of_gateway(self) -> &'static str {
        match self {
            Self::Deny => "`egress.deny` of the gateway's configuration names it",
            Self::Allow => "`egress.allow` of the gateway's configuration does not name it",
        }
    }
}

impl EgressRule {
    /// `host` without a dot at its end, `address` in its canonical form.
    pub(crate) fn matches(&self, host: &str, address: IpAddr) -> bool {
        match self {
            Self::Name(_) | Self::Below(_) => self.matches_name(host),
            Self::Network(network, bits) => same_network(*network, address, *bits),
        }
    }

    /// `host` without a dot at its end.
    pub(crate) fn matches_name(&self, host: &str) -> bool {
        match self {
            Self::Name(name) => host.eq_ignore_ascii_case(name),
            Self::Below(end) => host.to_ascii_lowercase().ends_with(end.as_str()),
            Self::Network(..) => false,
        }
    }
}

fn same_network(network: IpAddr, address: IpAddr, bits: u32) -> bool {
    match (network, address) {
        (IpAddr::V4(a), IpAddr::V4(b)) => {
            (a.to_bits() ^ b.to_bits())
                .checked_shr(32_u32.saturating_sub(bits))
                .unwrap_or(0)
                == 0
        }
        (IpAddr::V6(a), IpAddr::V6(b)) => {
            (a.to_bits() ^ b.to_bits())
                .checked_shr(128_u32.saturating_sub(bits))
                .unwrap_or(0)
                == 0
        }
        _ => false,
    }
}

impl EgressSettings {
    /// Why `address`, which `host` led to, is not dialled; `None` if it may be.
    pub(in crate::engine) fn refuses(&self, host: &str, address: IpAddr) -> Option<&'static str> {
        let address = address.to_canonical();
        let host = host.trim_end_matches('.');
        let matches = |rule: &EgressRule| rule.matches(host, address);
        if let Some(closed) = ClosedBy::lists(&self.allow, &self.deny, matches) {
            return Some(closed.of_gateway());
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
        ClosedBy::lists(&self.allow, &self.deny, |rule| rule.matches_name(host)).map(ClosedBy::of_gateway)
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
