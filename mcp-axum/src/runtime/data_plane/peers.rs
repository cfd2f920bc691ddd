//! Who is connected, by address.

use crate::settings::Network;
use mcp_core::peer::{Account, Budget, Peer, PeerAddress};
use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError, Weak, atomic::Ordering},
};

/// All clients that have something of the gateway.
#[derive(Debug)]
pub(crate) struct Peers {
    budget: Arc<Budget>,
    /// Addresses that stand for many clients.
    front_proxies: Vec<Network>,
    max_connections: u32,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    peers: HashMap<PeerAddress, Weak<Account>>,
    /// The number of entries at which those are removed that nobody uses any more.
    clean_at: usize,
}

/// A connection of a client, until it is dropped.
#[derive(Debug)]
pub(crate) struct Visit {
    peer: Arc<Peer>,
    /// How many of its connections were open when this one came, with it.
    pub(crate) number: u32,
}

impl Peers {
    /// `max_connections` of each.
    pub(crate) fn new(budget: Arc<Budget>, front_proxies: Vec<Network>, max_connections: u32) -> Self {
        Self {
            budget,
            front_proxies,
            max_connections,
            known: Mutex::default(),
        }
    }

    /// What all of them draw on.
    pub(crate) fn budget(&self) -> &Arc<Budget> {
        &self.budget
    }

    /// One more connection of this address.
    pub(crate) fn enter(&self, address: IpAddr) -> Visit {
        let peer = Peer::at(self.account(address), address);
        let number = peer.connections.fetch_add(1, Ordering::Relaxed) + 1;
        Visit { peer, number }
    }

    /// The client's part of all places; `None` where it stands for many clients.
    pub(crate) fn part(&self, visit: &Visit) -> Option<u32> {
        (!visit.peer.is_many()).then_some(self.max_connections)
    }

    fn account(&self, address: IpAddr) -> Arc<Account> {
        let key = PeerAddress::from(address);
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(account) = known.peers.get(&key).and_then(Weak::upgrade) {
            return account;
        }
        if known.peers.len() >= known.clean_at {
            known.peers.retain(|_, account| account.strong_count() > 0);
            known.clean_at = (known.peers.len() * 2).max(1024);
        }
        let is_many = self.front_proxies.iter().any(|network| network.contains(address));
        let account = Account::new(self.budget.clone(), is_many);
        known.peers.insert(key, Arc::downgrade(&account));
        account
    }
}

impl Visit {
    pub(crate) fn peer(&self) -> &Arc<Peer> {
        &self.peer
    }
}

impl Drop for Visit {
    fn drop(&mut self) {
        self.peer.connections.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_address_has_its_part_and_a_proxy_none() {
        let proxies = vec!["10.0.0.0/8".parse().unwrap()];
        let peers = Peers::new(Budget::new(1 << 20), proxies, 2);
        let enter = |address: &str| peers.enter(address.parse().unwrap());
        let visits: Vec<_> = (0..3).map(|_| enter("192.0.2.1")).collect();
        let is_beyond = |visit: &Visit| peers.part(visit).is_some_and(|part| visit.number > part);
        assert_eq!(
            visits.iter().map(is_beyond).collect::<Vec<_>>(),
            [false, false, true]
        );
        assert!(!is_beyond(&enter("192.0.2.2")));
        let proxied: Vec<_> = (0..9).map(|_| enter("10.1.2.3")).collect();
        assert!(!proxied.iter().any(is_beyond));
        drop(visits);
        assert_eq!(enter("192.0.2.1").number, 1);
    }

    #[test]
    fn addresses_that_left_are_forgotten() {
        let peers = Peers::new(Budget::new(1 << 20), Vec::new(), 2);
        for number in 0..5_000_u32 {
            peers.enter(IpAddr::V4(number.into()));
        }
        assert!(peers.known.lock().unwrap().peers.len() <= 1024);
    }
}
