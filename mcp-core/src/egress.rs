//! What an address is: what it really leads to, and who can be there. IPv4 addresses are taken out of every wrapping that
//! is known before anything is judged, so no spelling of an address leads around what is said of it.

mod embedded;
mod metadata;
mod own;
mod proxy_address;
mod rule;
mod settings;
mod special;

pub(crate) use metadata::{NAMES as METADATA_NAMES, SERVICES as METADATA};
pub(crate) use own::OwnEgress;
pub use proxy_address::{NoProxyAddress, ProxyAddress};
pub(crate) use rule::ClosedBy;
pub use rule::{EgressRule, NoEgressRule};
pub use settings::EgressSettings;

use embedded::Wrapping;
use std::net::{IpAddr, Ipv4Addr};

/// Who can be at an address, in the order of what it takes to call it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Scope {
    /// Anybody: it is globally reachable.
    Global,
    /// Somebody in the networks around the gateway, or nobody: it is not globally reachable.
    Private,
    /// The machine that the gateway runs on.
    Loopback,
    /// A link-local neighbour, or a cloud's metadata service: never called, whatever a configuration allows.
    Never,
}

/// An address that is about to be dialled, and the IPv4 addresses in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Destination {
    /// The address as it is dialled; an IPv4-mapped one as IPv4.
    address: IpAddr,
    wrapping: Wrapping,
    embedded: Vec<Ipv4Addr>,
}

impl Destination {
    pub(crate) fn of(address: IpAddr) -> Self {
        let address = address.to_canonical();
        let (wrapping, embedded) = match address {
            IpAddr::V4(_) => (Wrapping::None, Vec::new()),
            IpAddr::V6(v6) => embedded::find(v6),
        };
        Self {
            address,
            wrapping,
            embedded,
        }
    }

    /// The widest scope that permission is needed for.
    pub(crate) fn scope(&self) -> Scope {
        self.scope_without(|_| false)
    }

    /// The same where some networks are permitted already. Each part is judged for itself: who permits an IPv6 network
    /// has not thereby permitted every IPv4 address that can be wrapped in it.
    pub(crate) fn scope_without(&self, is_permitted: impl Fn(IpAddr) -> bool) -> Scope {
        let of = |part: IpAddr| match special::scope(part) {
            Scope::Never => Scope::Never,
            _ if is_permitted(part) => Scope::Global,
            scope => scope,
        };
        let inner = self.parts().map(&of).max().unwrap_or(Scope::Global);
        let outer = match self.wrapping {
            Wrapping::Transparent => Scope::Global,
            Wrapping::Local if self.all_parts(&is_permitted) => Scope::Global,
            Wrapping::Local | Wrapping::Interface | Wrapping::None => of(self.address),
        };
        inner.max(outer)
    }

    /// Whether a network has anything of it: what is denied.
    pub(crate) fn touches(&self, is_listed: impl Fn(IpAddr) -> bool) -> bool {
        is_listed(self.address) || self.parts().any(is_listed)
    }

    /// Whether networks have all that it can lead to: what is allowed. An interface's name says nothing for sure.
    pub(crate) fn is_within(&self, is_listed: impl Fn(IpAddr) -> bool) -> bool {
        let is_wrapped = matches!(self.wrapping, Wrapping::Transparent | Wrapping::Local);
        is_listed(self.address) || (is_wrapped && self.all_parts(is_listed))
    }

    fn all_parts(&self, is_it: impl Fn(IpAddr) -> bool) -> bool {
        !self.embedded.is_empty() && self.parts().all(is_it)
    }

    fn parts(&self) -> impl Iterator<Item = IpAddr> {
        self.embedded.iter().map(|v4| IpAddr::V4(*v4))
    }
}

/// Whether the first bits of both are the same; never so between the families.
pub(crate) fn is_in(address: IpAddr, network: IpAddr, bits: u32) -> bool {
    let (difference, width) = match (network, address) {
        (IpAddr::V4(a), IpAddr::V4(b)) => (u128::from(a.to_bits() ^ b.to_bits()), 32_u32),
        (IpAddr::V6(a), IpAddr::V6(b)) => (a.to_bits() ^ b.to_bits(), 128),
        _ => return false,
    };
    difference.checked_shr(width.saturating_sub(bits)).unwrap_or(0) == 0
}

#[cfg(test)]
mod tests;
