//! What a client has of the gateway: memory of what is in flight for it, and open streams.
//!
//! All clients draw on one [`Budget`]. A client may take more while its own part is smaller than half of what nobody has
//! (the rule of dynamic thresholds, Choudhury and Hahne 1998): one that takes all it can has a third, ten of them leave a
//! sixth, and whoever comes next always finds room. Nobody has to know how many there are.

use mcp_common::authenticator::ClientCertificate;
use std::{
    net::{IpAddr, Ipv6Addr},
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU32, AtomicU64, Ordering::Relaxed},
    },
};

/// The memory of bodies, answers and buffers in flight, for all clients together.
#[derive(Debug)]
pub struct Budget {
    limit: u64,
    used: AtomicU64,
    refused: AtomicU64,
}

/// Whose memory it is: by address, since nothing else is known before a request is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PeerAddress {
    /// IPv4, also where it came as an IPv6 address.
    V4(u32),
    /// The upper half of an IPv6 address: one customer has at least that many.
    V6(u64),
}

/// What all connections of one client have together.
#[derive(Debug)]
pub struct Account {
    budget: Arc<Budget>,
    used: AtomicU64,
    /// Open connections.
    pub connections: AtomicU32,
    /// Open streams of list changes.
    pub streams: AtomicU32,
    is_many: bool,
}

/// One client, as one of its connections sees it. Requests clone the reference to this, and not the one that connections of
/// all workers share.
#[derive(Debug)]
pub struct Peer {
    account: Arc<Account>,
    address: Option<IpAddr>,
    /// Known after the handshake of TLS.
    certificate: OnceLock<ClientCertificate>,
}

/// Memory that is given back when this is dropped.
#[derive(Debug)]
pub struct Held {
    peer: Arc<Peer>,
    bytes: u64,
}

/// Why there is no memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoMemory {
    /// The client has its part.
    Peer,
    /// All clients together have taken what there is.
    All,
}

impl Budget {
    /// A budget of so many bytes.
    pub fn new(limit: u64) -> Arc<Self> {
        Arc::new(Self {
            limit,
            used: AtomicU64::new(0),
            refused: AtomicU64::new(0),
        })
    }

    /// Bytes that there are.
    pub fn limit(&self) -> u64 {
        self.limit
    }

    /// Bytes in use.
    pub fn used(&self) -> u64 {
        self.used.load(Relaxed)
    }

    /// How often there was none.
    pub fn refused(&self) -> u64 {
        self.refused.load(Relaxed)
    }
}

impl From<IpAddr> for PeerAddress {
    fn from(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self::V4(address.to_bits()),
            IpAddr::V6(address) => Self::V6((address.to_bits() >> 64) as u64),
        }
    }
}

impl PeerAddress {
    /// The address, or the first one of its network.
    pub fn first(self) -> IpAddr {
        match self {
            Self::V4(bits) => IpAddr::V4(bits.into()),
            Self::V6(bits) => IpAddr::V6(Ipv6Addr::from_bits(u128::from(bits) << 64)),
        }
    }
}

impl Account {
    /// An account that has nothing yet. `is_many`: many clients come from this address (a reverse proxy), so that it has no part of
    /// its own; only what all have together bounds it.
    pub fn new(budget: Arc<Budget>, is_many: bool) -> Arc<Self> {
        Arc::new(Self {
            budget,
            used: AtomicU64::new(0),
            connections: AtomicU32::new(0),
            streams: AtomicU32::new(0),
            is_many,
        })
    }

    /// Bytes that there are for all clients.
    pub fn limit(&self) -> u64 {
        self.budget.limit
    }

    /// Whether it stands for many clients.
    pub fn is_many(&self) -> bool {
        self.is_many
    }

    fn take(&self, bytes: u64) -> Result<(), NoMemory> {
        let all = self.budget.used.fetch_add(bytes, Relaxed).saturating_add(bytes);
        let mine = self.used.fetch_add(bytes, Relaxed).saturating_add(bytes);
        let refusal = match self.budget.limit.checked_sub(all) {
            None => Some(NoMemory::All),
            Some(free) if !self.is_many && mine > free / 2 => Some(NoMemory::Peer),
            Some(_) => None,
        };
        let Some(refusal) = refusal else {
            return Ok(());
        };
        self.give(bytes);
        self.budget.refused.fetch_add(1, Relaxed);
        Err(refusal)
    }

    fn give(&self, bytes: u64) {
        self.used.fetch_sub(bytes, Relaxed);
        self.budget.used.fetch_sub(bytes, Relaxed);
    }
}

impl Peer {
    /// A connection of the client.
    pub fn new(account: Arc<Account>) -> Arc<Self> {
        Arc::new(Self {
            account,
            address: None,
            certificate: OnceLock::new(),
        })
    }

    /// A connection that comes from this address.
    pub fn at(account: Arc<Account>, address: IpAddr) -> Arc<Self> {
        Arc::new(Self {
            account,
            address: Some(address.to_canonical()),
            certificate: OnceLock::new(),
        })
    }

    /// Where the connection comes from, which may be a proxy; `None` where there is none.
    pub fn address(&self) -> Option<IpAddr> {
        self.address
    }

    /// The certificate that the client showed, where it has one that is believed.
    pub fn certificate(&self) -> Option<&ClientCertificate> {
        self.certificate.get()
    }

    /// Called once, after the handshake.
    pub fn show(&self, certificate: ClientCertificate) {
        // A connection has one handshake.
        let _ = self.certificate.set(certificate);
    }

    /// The same memory without a part of its own: for what there is one of at a time, whoever asked for it.
    pub fn without_part(&self) -> Arc<Self> {
        Self::new(Account::new(self.account.budget.clone(), true))
    }

    /// A peer for calls that nobody made over a connection.
    pub fn unbounded() -> Arc<Self> {
        Self::new(Account::new(Budget::new(u64::MAX), true))
    }

    /// Takes memory before it is used.
    pub fn hold(self: &Arc<Self>, bytes: u64) -> Result<Held, NoMemory> {
        self.account.take(bytes)?;
        Ok(Held {
            peer: self.clone(),
            bytes,
        })
    }

    /// The same for what is there already, such as an answer: it counts, and what comes next is refused for it.
    pub fn hold_anyway(self: &Arc<Self>, bytes: u64) -> Held {
        self.account.budget.used.fetch_add(bytes, Relaxed);
        self.account.used.fetch_add(bytes, Relaxed);
        Held {
            peer: self.clone(),
            bytes,
        }
    }
}

impl std::ops::Deref for Peer {
    type Target = Account;

    fn deref(&self) -> &Account {
        &self.account
    }
}

impl Held {
    /// Bytes.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Bytes that there are for all clients.
    pub fn limit(&self) -> u64 {
        self.peer.limit()
    }

    /// A part of it, as far as there is so much, that is given back by itself.
    pub fn split(&mut self, bytes: u64) -> Self {
        let bytes = bytes.min(self.bytes);
        self.bytes -= bytes;
        Self {
            peer: self.peer.clone(),
            bytes,
        }
    }

    /// Takes what is missing to so many bytes in all; keeps what it has if there is no more.
    pub fn grow(&mut self, bytes: u64) -> Result<(), NoMemory> {
        if let Some(more) = bytes.checked_sub(self.bytes).filter(|more| *more > 0) {
            self.peer.account.take(more)?;
            self.bytes = bytes;
        }
        Ok(())
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.peer.account.give(self.bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_takes_all_has_a_third_and_others_find_room() {
        let budget = Budget::new(900);
        let greedy = Peer::new(Account::new(budget.clone(), false));
        let mut held = Vec::new();
        while let Ok(one) = greedy.hold(10) {
            held.push(one);
        }
        assert_eq!(budget.used(), 300);
        assert_eq!(budget.refused(), 1);
        assert!(matches!(greedy.hold(10), Err(NoMemory::Peer)));
        let other = Peer::new(Account::new(budget.clone(), false));
        let mut part = other.hold(100).unwrap();
        assert!(part.grow(100).is_ok() && part.grow(200).is_ok());
        assert!(part.grow(500).is_err());
        assert_eq!((part.bytes(), budget.used()), (200, 500));
        let half = part.split(100);
        assert_eq!((half.bytes(), part.bytes(), budget.used()), (100, 100, 500));
        drop(half);
        assert_eq!(part.split(1_000).bytes(), 100);
        assert_eq!((part.bytes(), budget.used()), (0, 300));
        drop((part, held));
        assert_eq!(budget.used(), 0);
    }

    #[test]
    fn many_hogs_leave_room_for_one_more() {
        let budget = Budget::new(1 << 20);
        let mut held = Vec::new();
        for _ in 0..10 {
            let hog = Peer::new(Account::new(budget.clone(), false));
            while let Ok(one) = hog.hold(64) {
                held.push(one);
            }
        }
        assert!(Peer::new(Account::new(budget, false)).hold(4 << 10).is_ok());
    }

    #[test]
    fn a_proxy_is_bounded_by_what_there_is_and_answers_count_anyway() {
        let budget = Budget::new(100);
        let proxy = Peer::new(Account::new(budget.clone(), true));
        let most = proxy.hold(90).unwrap();
        let answer = proxy.hold_anyway(50);
        assert!(matches!(proxy.hold(1), Err(NoMemory::All)));
        drop((most, answer));
        assert!(proxy.hold(100).is_ok());
        assert_eq!(budget.used(), 0);
    }

    #[test]
    fn an_ipv6_client_is_its_network_and_a_mapped_address_is_ipv4() {
        let of = |text: &str| PeerAddress::from(text.parse::<IpAddr>().unwrap());
        assert_eq!(of("2001:db8:1:2::1"), of("2001:db8:1:2:ffff::9"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
        assert_eq!(of("::ffff:192.0.2.7"), of("192.0.2.7"));
        assert_eq!(of("2001:db8:1:2::1").first().to_string(), "2001:db8:1:2::");
    }
}
