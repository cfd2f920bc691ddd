//! Where clouds give a machine its own credentials to whoever asks. All of `169.254.0.0/16` and `fe80::/10` is out of the
//! question anyway, where most of them are (`169.254.169.254`, of ECS `169.254.170.2`, of EKS `169.254.170.23`, of Tencent
//! `169.254.0.23`, of Scaleway `169.254.42.42`, of OpenStack `fe80::a9fe:a9fe`); these are the others.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

const fn v4(a: u8, b: u8, c: u8, d: u8) -> IpAddr {
    IpAddr::V4(Ipv4Addr::new(a, b, c, d))
}

const fn v6(s: [u16; 8]) -> IpAddr {
    IpAddr::V6(Ipv6Addr::new(s[0], s[1], s[2], s[3], s[4], s[5], s[6], s[7]))
}

/// Networks, and the service that is there. As of November 2026; sources are the providers' documents.
pub(crate) const SERVICES: [(IpAddr, u32, &str); 9] = [
    // "View instance metadata", Elastic Compute Service.
    (v4(100, 100, 100, 200), 32, "Alibaba Cloud"),
    (
        v6([0xfd00, 0x100, 0, 0, 0, 0, 0x100, 0x200]),
        128,
        "Alibaba Cloud",
    ),
    // "What is IP address 168.63.129.16?", Azure Virtual Network: the wire server gives goal states with certificates.
    (v4(168, 63, 129, 16), 32, "Azure"),
    // "Retrieving Instance Metadata", Oracle Cloud Infrastructure Compute Classic; the IPv6 one is in the OCI SDKs.
    (v4(192, 0, 0, 192), 32, "Oracle Cloud"),
    (
        v6([0xfd00, 0xc1, 0, 0, 0, 0, 0xa9fe, 0xa9fe]),
        128,
        "Oracle Cloud",
    ),
    // "Access instance metadata for an EC2 instance" (`::254`), "EKS Pod Identity Agent" (`::23`), "VPC DNS" (`::253`):
    // Amazon keeps the whole block for such services.
    (v6([0xfd00, 0xec2, 0, 0, 0, 0, 0, 0]), 32, "AWS"),
    // "About VM metadata", Compute Engine: the server of IPv6-only instances.
    (v6([0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254]), 128, "Google Cloud"),
    // "Instance metadata", Scaleway.
    (v6([0xfd00, 0x42, 0, 0, 0, 0, 0, 0x42]), 128, "Scaleway"),
    // "Metadata service API", Akamai Cloud (Linode).
    (v6([0xfd00, 0xa9fe, 0xa9fe, 0, 0, 0, 0, 1]), 128, "Akamai"),
];

/// Names by which clouds serve the same. What matters is where a name leads; these are for proxies, which resolve it.
pub(crate) const NAMES: [&str; 6] = [
    "metadata.google.internal",
    "metadata.goog",
    "instance-data",
    "instance-data.ec2.internal",
    "metadata.tencentyun.com",
    "metadata.platformequinix.com",
];
