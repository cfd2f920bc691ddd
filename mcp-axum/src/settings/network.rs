//! Addresses and networks of those who connect.

use std::{fmt, net::IpAddr, str::FromStr};

/// `192.0.2.7`, `10.0.0.0/8`, `2001:db8::/32`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    first: IpAddr,
    prefix: u32,
}

/// The text is no address, or has more bits than one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoNetwork;

impl fmt::Display for NoNetwork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("write an address (\"192.0.2.7\") or a network (\"10.0.0.0/8\")")
    }
}

impl Network {
    /// Whether the address is in it; an IPv4 address may come as an IPv6 one.
    pub fn contains(&self, address: IpAddr) -> bool {
        let same = |given: u128, width: u32, first: u128| {
            (given ^ first).checked_shr(width - self.prefix).unwrap_or(0) == 0
        };
        match (address.to_canonical(), self.first) {
            (IpAddr::V4(given), IpAddr::V4(first)) => {
                same(given.to_bits().into(), 32, first.to_bits().into())
            }
            (IpAddr::V6(given), IpAddr::V6(first)) => same(given.to_bits(), 128, first.to_bits()),
            _ => false,
        }
    }
}

impl FromStr for Network {
    type Err = NoNetwork;

    fn from_str(text: &str) -> Result<Self, NoNetwork> {
        let (address, prefix) = match text.split_once('/') {
            None => (text, None),
            Some((address, prefix)) => (address, Some(prefix.parse::<u32>().map_err(|_| NoNetwork)?)),
        };
        let first: IpAddr = address.trim().parse().map_err(|_| NoNetwork)?;
        let width = if first.is_ipv4() { 32 } else { 128 };
        let prefix = prefix.unwrap_or(width);
        if prefix > width {
            return Err(NoNetwork);
        }
        Ok(Self { first, prefix })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_in_their_networks_only() {
        let within = |network: &str, address: &str| {
            let network: Network = network.parse().unwrap();
            network.contains(address.parse().unwrap())
        };
        assert!(within("10.0.0.0/8", "10.9.8.7") && !within("10.0.0.0/8", "11.0.0.0"));
        assert!(within("127.0.0.0/8", "::ffff:127.0.0.1"));
        assert!(within("::1", "::1") && !within("::1", "::2"));
        assert!(within("0.0.0.0/0", "192.0.2.7") && !within("0.0.0.0/0", "::1"));
        assert!(within("2001:db8::/32", "2001:db8:ffff::") && !within("2001:db8::/32", "2001:db9::"));
        for wrong in ["", "host", "10.0.0.0/33", "::/129", "10.0.0.0/-1", "10.0.0/8"] {
            assert_eq!(wrong.parse::<Network>(), Err(NoNetwork), "{wrong}");
        }
    }
}
