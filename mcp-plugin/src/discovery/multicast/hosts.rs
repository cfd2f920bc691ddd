//! Where the hosts of instances are: one of the addresses that they say.

use hickory_resolver::proto::rr::Name;
use std::{
    collections::BTreeMap,
    net::IpAddr,
    time::{Duration, Instant},
};

/// More addresses no host needs.
const MOST: usize = 16;
/// What was said within this time was said together (RFC 6762, section 10.2).
const TOGETHER: Duration = Duration::from_secs(1);

#[derive(Default)]
pub(super) struct Hosts(BTreeMap<Name, BTreeMap<IpAddr, Said>>);

#[derive(Clone, Copy)]
struct Said {
    at: Instant,
    until: Instant,
}

impl Hosts {
    /// `are_all`: those of the same kind that were said before go.
    pub(super) fn take(&mut self, host: Name, address: IpAddr, until: Instant, are_all: bool, now: Instant) {
        // Those of one link lead nowhere without it.
        if matches!(address, IpAddr::V6(address) if address.is_unicast_link_local()) {
            return;
        }
        let addresses = self.0.entry(host).or_default();
        if are_all {
            let is_older = |said: &Said| now.saturating_duration_since(said.at) > TOGETHER;
            addresses.retain(|other, said| other.is_ipv4() != address.is_ipv4() || !is_older(said));
        }
        if addresses.len() < MOST || addresses.contains_key(&address) {
            addresses.insert(address, Said { at: now, until });
        }
    }

    pub(super) fn forget(&mut self, now: Instant, is_wanted: impl Fn(&Name) -> bool) {
        self.0.retain(|host, addresses| {
            addresses.retain(|_, said| said.until > now);
            !addresses.is_empty() && is_wanted(host)
        });
    }

    pub(super) fn end(&self) -> Option<Instant> {
        self.0
            .values()
            .flat_map(BTreeMap::values)
            .map(|said| said.until)
            .min()
    }

    /// Where it spoke from is where it can be called: others may be of networks that only the host has. Of the rest those of IPv4 come first.
    pub(super) fn address(&self, host: &Name, spoke_from: IpAddr) -> IpAddr {
        let said = self.0.get(host);
        match said {
            Some(all) if all.contains_key(&spoke_from) => spoke_from,
            Some(all) => all.keys().min().copied().unwrap_or(spoke_from),
            None => spoke_from,
        }
    }
}
