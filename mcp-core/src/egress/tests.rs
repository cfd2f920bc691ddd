use super::*;
use proptest::prelude::*;
use std::net::Ipv6Addr;

fn scope(text: &str) -> Scope {
    Destination::of(text.parse().unwrap()).scope()
}

/// An IPv4 address in every wrapping that says all about where it leads.
fn wrapped(v4: Ipv4Addr) -> Vec<Ipv6Addr> {
    let [a, b, c, d] = v4.octets();
    let (high, low) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
    let wrap = |s: [u16; 6]| Ipv6Addr::new(s[0], s[1], s[2], s[3], s[4], s[5], high, low);
    let mut all = vec![
        v4.to_ipv6_mapped(),
        wrap([0, 0, 0, 0, 0xffff, 0]),
        wrap([0x64, 0xff9b, 0, 0, 0, 0]),
        Ipv6Addr::new(0x2002, high, low, 0x1234, 0, 0, 0, 0x5678),
        // The server is another one.
        Ipv6Addr::new(0x2001, 0, 0x5bc8, 0x1111, 0, 0x63bf, !high, !low),
        Ipv6Addr::new(0x2001, 0, high, low, 0, 0x63bf, !0x5bc8, !0x1111),
    ];
    // `::` and `::1` are no IPv4 addresses.
    if v4.to_bits() > 1 {
        all.push(wrap([0, 0, 0, 0, 0, 0]));
    }
    all
}

/// The same by a translator with a prefix of the network's own, in all lengths; and in the name of an interface.
fn wrapped_here(v4: Ipv4Addr) -> Vec<Ipv6Addr> {
    let [a, b, c, d] = v4.octets();
    let mut all: Vec<Ipv6Addr> = [[6, 7, 9, 10], [7, 9, 10, 11], [9, 10, 11, 12], [12, 13, 14, 15]]
        .into_iter()
        .map(|places: [usize; 4]| {
            let mut octets = Ipv6Addr::new(0x64, 0xff9b, 1, 0, 0, 0, 0, 0).octets();
            for (place, octet) in places.into_iter().zip([a, b, c, d]) {
                octets[place] = octet;
            }
            octets.into()
        })
        .collect();
    for word in [0, 0x200, 0x300] {
        let (high, low) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
        all.push(Ipv6Addr::new(0x2a00, 1, 2, 3, word, 0x5efe, high, low));
    }
    all
}

#[test]
fn every_row_of_the_registries_is_what_it_says() {
    let scope = |text: &str| scope(text);
    for (network, is_global) in [
        // IANA IPv4 Special-Purpose Address Registry.
        ("0.1.2.3", false),
        ("10.1.2.3", false),
        ("100.64.0.0", false),
        ("100.127.255.255", false),
        ("100.128.0.0", true),
        ("172.16.0.0", false),
        ("172.31.255.255", false),
        ("172.32.0.0", true),
        ("192.0.0.0", false),
        ("192.0.0.7", false),
        ("192.0.0.8", false),
        ("192.0.0.9", true),
        ("192.0.0.10", true),
        ("192.0.0.11", false),
        ("192.0.0.170", false),
        ("192.0.0.171", false),
        ("192.0.0.255", false),
        ("192.0.1.0", true),
        ("192.0.2.1", false),
        ("192.31.196.1", true),
        ("192.52.193.1", true),
        ("192.88.99.1", false),
        ("192.88.99.2", false),
        ("192.168.1.1", false),
        ("192.175.48.1", true),
        ("198.17.255.255", true),
        ("198.18.0.0", false),
        ("198.19.255.255", false),
        ("198.20.0.0", true),
        ("198.51.100.1", false),
        ("203.0.113.1", false),
        ("224.0.0.1", false),
        ("239.255.255.255", false),
        ("240.0.0.1", false),
        ("255.255.255.255", false),
        ("8.8.8.8", true),
        // IANA IPv6 Special-Purpose Address Registry.
        ("64:ff9b::808:808", true),
        ("64:ff9b:1::808:808", false),
        ("64:ff9b:2::808:808", false),
        ("100::1", false),
        ("100:0:0:1::1", false),
        ("2001:1::1", true),
        ("2001:1::2", true),
        ("2001:1::3", true),
        ("2001:1::4", false),
        ("2001:2::1", false),
        ("2001:2:1::1", false),
        ("2001:3::1", true),
        ("2001:4:112::1", true),
        ("2001:4:113::1", false),
        ("2001:10::1", false),
        ("2001:20::1", true),
        ("2001:30::1", true),
        ("2001:40::1", false),
        ("2001:1ff::1", false),
        ("2001:200::1", true),
        ("2001:db8::1", false),
        ("2620:4f:8000::1", true),
        ("3ffe::1", true),
        ("3fff::1", false),
        ("3fff:fff::1", false),
        ("3fff:1000::1", true),
        ("5f00::1", false),
        ("fc00::1", false),
        ("fdff::1", false),
        // Outside of what is assigned at all; the site-local network; multicast.
        ("200::1", false),
        ("1fff::1", false),
        ("4000::1", false),
        ("fe00::1", false),
        ("fec0::1", false),
        ("feff::1", false),
        ("ff02::1", false),
        ("ff0e::1", false),
        ("2a00:1450::1", true),
    ] {
        let expected = if is_global { Scope::Global } else { Scope::Private };
        assert_eq!(scope(network), expected, "{network}");
    }
    for loopback in ["0.0.0.0", "127.0.0.1", "127.255.255.255", "::", "::1"] {
        assert_eq!(scope(loopback), Scope::Loopback, "{loopback}");
    }
    for never in [
        "169.254.0.1",
        "169.254.169.254",
        "169.254.170.2",
        "169.254.170.23",
        "fe80::1",
        "febf::1",
        "fe80::a9fe:a9fe",
        "100.100.100.200",
        "168.63.129.16",
        "192.0.0.192",
        "fd00:ec2::254",
        "fd00:ec2::23",
        "fd00:ec2::253",
        "fd20:ce::254",
        "fd00:c1::a9fe:a9fe",
        "fd00:42::42",
        "fd00:a9fe:a9fe::1",
        "fd00:100::100:200",
        "fe80::5efe:808:808",
    ] {
        assert_eq!(scope(never), Scope::Never, "{never}");
    }
}

#[test]
fn what_is_listed_counts_in_every_wrapping() {
    let network: IpAddr = "10.0.0.0".parse().unwrap();
    let is_listed = |part: IpAddr| is_in(part, network, 8);
    for v6 in wrapped(Ipv4Addr::new(10, 1, 2, 3)) {
        let destination = Destination::of(v6.into());
        assert!(destination.touches(is_listed), "{v6}");
        // A Teredo server is not where the way ends, but it is asked too.
        if !matches!(v6.segments(), [0x2001, 0, ..]) {
            assert!(destination.is_within(is_listed), "{v6}");
            assert_eq!(destination.scope_without(is_listed), Scope::Global, "{v6}");
        }
    }
    let here = wrapped_here(Ipv4Addr::new(10, 1, 2, 3));
    assert!(
        here.iter()
            .all(|v6| Destination::of((*v6).into()).touches(is_listed))
    );
    // Nobody who permits a network of IPv4 has permitted the network of an interface that calls itself so.
    let isatap = Destination::of("2a00:1:2:3:0:5efe:10.1.2.3".parse().unwrap());
    assert!(!isatap.is_within(is_listed));
    // Who permits the translator has not permitted what is behind it.
    let translator: IpAddr = "64:ff9b::".parse().unwrap();
    let behind = Destination::of("64:ff9b::10.1.2.3".parse().unwrap());
    let is_translator = |part: IpAddr| is_in(part, translator, 96);
    assert!(behind.is_within(is_translator));
    assert_eq!(behind.scope_without(is_translator), Scope::Private);
    // No permission opens a metadata service.
    let metadata = Destination::of("64:ff9b::169.254.169.254".parse().unwrap());
    assert_eq!(metadata.scope_without(|_| true), Scope::Never);
}

proptest! {
    #[test]
    fn a_wrapping_changes_nothing(bits: u32, is_special: bool, row in 0..special::V4.len()) {
        let (network, width, _) = special::V4[row];
        let mask = u32::MAX.checked_shl(32 - width).unwrap_or(0);
        let bits = if is_special { (bits & !mask) | network.to_bits() } else { bits };
        let v4 = Ipv4Addr::from_bits(bits);
        let expected = Destination::of(v4.into()).scope();
        for v6 in wrapped(v4) {
            prop_assert_eq!(Destination::of(v6.into()).scope(), expected, "{} in {}", v4, v6);
        }
        for v6 in wrapped_here(v4) {
            let scope = Destination::of(v6.into()).scope();
            // Places that begin with a zero are passed over; they are in a network of their own anyway.
            prop_assert!(scope >= expected || v4.octets()[0] == 0, "{} in {}", v4, v6);
            let is_local = v6.segments()[0] == 0x64;
            prop_assert!(!is_local || scope >= Scope::Private, "{}", v6);
        }
    }
}
