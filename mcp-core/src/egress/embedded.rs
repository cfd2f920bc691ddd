//! IPv4 addresses inside of IPv6 ones.

use std::net::{Ipv4Addr, Ipv6Addr};

/// How much of the meaning of an IPv6 address is in the IPv4 address that it wraps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wrapping {
    /// The address has no IPv4 address in it.
    None,
    /// The whole address stands for one: a translator or a tunnel sends what goes there to the IPv4 address.
    Transparent,
    /// The whole address stands for one, but by a translator of the network around the gateway, so the address is no global one itself.
    Local,
    /// Perhaps all: the last half of the address, which anybody can choose, has the form of a tunnel's.
    Interface,
}

/// What is in the address. An IPv4-mapped one (RFC 4291 section 2.5.5.2) is IPv4 and does not come here.
pub(super) fn find(address: Ipv6Addr) -> (Wrapping, Vec<Ipv4Addr>) {
    let octets = address.octets();
    let at = |place: [usize; 4]| Ipv4Addr::from(place.map(|at| octets.get(at).copied().unwrap_or_default()));
    let last = at([12, 13, 14, 15]);
    match address.segments() {
        // The unspecified address and loopback are themselves.
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => (Wrapping::None, Vec::new()),
        // IPv4-compatible, RFC 4291 section 2.5.5.1; IPv4-translated, RFC 2765; NAT64, RFC 6052 section 2.1.
        [0, 0, 0, 0, 0, 0, _, _] | [0, 0, 0, 0, 0xffff, 0, _, _] | [0x64, 0xff9b, 0, 0, 0, 0, _, _] => {
            (Wrapping::Transparent, vec![last])
        }
        // 6to4, RFC 3056.
        [0x2002, ..] => (Wrapping::Transparent, vec![at([2, 3, 4, 5])]),
        // Teredo, RFC 4380 section 4: the server, and the client with its bits turned.
        [0x2001, 0, ..] => {
            let client = Ipv4Addr::from_bits(!last.to_bits());
            (Wrapping::Transparent, vec![at([4, 5, 6, 7]), client])
        }
        // NAT64 with a prefix of the network's own, RFC 8215. How long it is cannot be seen, so every place where RFC 6052
        // section 2.2 has the address counts; of those that are not meant, most begin with a zero.
        [0x64, 0xff9b, 1, ..] => {
            let places = [[6, 7, 9, 10], [7, 9, 10, 11], [9, 10, 11, 12], [12, 13, 14, 15]];
            let found = places.into_iter().map(at).filter(|v4| v4.octets()[0] != 0);
            (Wrapping::Local, found.collect())
        }
        // ISATAP, RFC 5214 section 6.1; the bits "universal" and "group" may be anything.
        [_, _, _, _, high, 0x5efe, _, _] if high & !0x0300 == 0 => (Wrapping::Interface, vec![last]),
        _ => (Wrapping::None, Vec::new()),
    }
}
