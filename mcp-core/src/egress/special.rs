//! Addresses that are not like others: the IANA IPv4 and IPv6 Special-Purpose Address Registries (RFC 6890, RFC 8190), with
//! the rows that came until RFC 9780.

use super::{METADATA, Scope, is_in};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// One row: a network, and whether it is globally reachable. "N/A" is not.
pub(super) type Row<A> = (A, u32, bool);

const fn v4(a: u8, b: u8, c: u8, d: u8) -> Ipv4Addr {
    Ipv4Addr::new(a, b, c, d)
}

const fn v6(a: u16, b: u16, c: u16, d: u16) -> Ipv6Addr {
    Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0)
}

/// Multicast is in a registry of its own.
pub(super) const V4: [Row<Ipv4Addr>; 26] = [
    (v4(0, 0, 0, 0), 8, false),
    (v4(10, 0, 0, 0), 8, false),
    (v4(100, 64, 0, 0), 10, false),
    (v4(127, 0, 0, 0), 8, false),
    (v4(169, 254, 0, 0), 16, false),
    (v4(172, 16, 0, 0), 12, false),
    (v4(192, 0, 0, 0), 24, false),
    (v4(192, 0, 0, 0), 29, false),
    (v4(192, 0, 0, 8), 32, false),
    (v4(192, 0, 0, 9), 32, true),
    (v4(192, 0, 0, 10), 32, true),
    (v4(192, 0, 0, 170), 31, false),
    (v4(192, 0, 2, 0), 24, false),
    (v4(192, 31, 196, 0), 24, true),
    (v4(192, 52, 193, 0), 24, true),
    (v4(192, 88, 99, 0), 24, false),
    (v4(192, 88, 99, 2), 32, false),
    (v4(192, 168, 0, 0), 16, false),
    (v4(192, 175, 48, 0), 24, true),
    (v4(198, 18, 0, 0), 15, false),
    (v4(198, 51, 100, 0), 24, false),
    (v4(203, 0, 113, 0), 24, false),
    (v4(224, 0, 0, 0), 4, false),
    (v4(240, 0, 0, 0), 4, false),
    (v4(255, 255, 255, 255), 32, false),
    (v4(0, 0, 0, 0), 32, false),
];

/// Outside of `2000::/3` nothing is assigned to anybody (RFC 4291 section 2.4), so only exceptions are here. The site-local
/// network, unique local, link-local and multicast addresses, the SRv6 and discard prefixes are all covered by that.
pub(super) const V6: [Row<Ipv6Addr>; 18] = [
    (v6(0, 0, 0, 0), 0, false),
    (v6(0x2000, 0, 0, 0), 3, true),
    (v6(0x64, 0xff9b, 0, 0), 96, true),
    (v6(0x2001, 0, 0, 0), 23, false),
    (v6(0x2001, 0, 0, 0), 32, false),
    (Ipv6Addr::new(0x2001, 1, 0, 0, 0, 0, 0, 1), 128, true),
    (Ipv6Addr::new(0x2001, 1, 0, 0, 0, 0, 0, 2), 128, true),
    (Ipv6Addr::new(0x2001, 1, 0, 0, 0, 0, 0, 3), 128, true),
    (v6(0x2001, 2, 0, 0), 48, false),
    (v6(0x2001, 3, 0, 0), 32, true),
    (v6(0x2001, 4, 0x112, 0), 48, true),
    (v6(0x2001, 0x10, 0, 0), 28, false),
    (v6(0x2001, 0x20, 0, 0), 28, true),
    (v6(0x2001, 0x30, 0, 0), 28, true),
    (v6(0x2001, 0xdb8, 0, 0), 32, false),
    (v6(0x2002, 0, 0, 0), 16, false),
    (v6(0x2620, 0x4f, 0x8000, 0), 48, true),
    (v6(0x3fff, 0, 0, 0), 20, false),
];

/// Who can be at exactly this address, whatever it wraps.
pub(super) fn scope(address: IpAddr) -> Scope {
    let is_metadata = || {
        METADATA
            .iter()
            .any(|(network, bits, _)| is_in(address, *network, *bits))
    };
    let is_link_local = match address {
        IpAddr::V4(v4) => v4.is_link_local(),
        IpAddr::V6(v6) => v6.is_unicast_link_local(),
    };
    if is_link_local || is_metadata() {
        Scope::Never
    } else if address.is_loopback() || address.is_unspecified() {
        Scope::Loopback
    } else if is_globally_reachable(address) {
        Scope::Global
    } else {
        Scope::Private
    }
}

/// The row with the longest prefix says it.
fn is_globally_reachable(address: IpAddr) -> bool {
    let closest = match address {
        IpAddr::V4(_) => closest(address, &V4),
        IpAddr::V6(_) => closest(address, &V6),
    };
    closest.unwrap_or(true)
}

fn closest<A: Copy + Into<IpAddr>>(address: IpAddr, rows: &[Row<A>]) -> Option<bool> {
    rows.iter()
        .filter(|(network, bits, _)| is_in(address, (*network).into(), *bits))
        .max_by_key(|(_, bits, _)| *bits)
        .map(|(_, _, is_global)| *is_global)
}
