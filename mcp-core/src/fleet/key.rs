//! What requests are told apart by, where the same ones belong to the same endpoint.

use super::{Fleet, dice::mix};
use mcp_common::definition::upstream::{Algorithm, HashOn, Sticky};

/// Who calls, with what.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Who<'a> {
    /// The client's session.
    pub(crate) session: Option<&'a str>,
    /// The name of whoever calls; `None` for nobody in particular.
    pub(crate) principal: Option<&'a str>,
    /// The arguments, as the client wrote them.
    pub(crate) arguments: Option<&'a str>,
}

/// The keys of one request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Keys {
    /// Requests with the same one stay with their endpoint.
    pub(super) sticky: Option<u64>,
    /// The place on the ring.
    pub(super) hash: Option<u64>,
}

impl Fleet {
    /// The keys of a request. Without a name or session to go by it has none, and goes to any endpoint.
    pub(crate) fn keys(&self, who: Who<'_>) -> Keys {
        let by_name = || Some(hash(b'p', who.principal?));
        let by_session = || who.session.map(|session| hash(b's', session)).or_else(by_name);
        Keys {
            sticky: match self.balance.sticky {
                Sticky::None => None,
                Sticky::Session => by_session(),
                Sticky::Principal => by_name(),
            },
            hash: match (self.balance.algorithm, self.balance.hash_on) {
                (Algorithm::ConsistentHash, HashOn::Principal) => by_name(),
                (Algorithm::ConsistentHash, HashOn::Session) => by_session(),
                (Algorithm::ConsistentHash, HashOn::Arguments) => {
                    Some(hash(b'a', who.arguments.unwrap_or("{}")))
                }
                _ => None,
            },
        }
    }
}

impl Fleet {
    /// Whether endpoints are chosen by the arguments of calls.
    pub(crate) fn goes_by_arguments(&self) -> bool {
        self.balance.algorithm == Algorithm::ConsistentHash && self.balance.hash_on == HashOn::Arguments
    }
}

/// FNV-1a, mixed. The same in every process and release, so that replicas of the gateway agree.
pub(super) fn hash(kind: u8, text: &str) -> u64 {
    let step = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    let bytes = std::iter::once(kind).chain(text.bytes());
    mix(bytes.fold(0xcbf2_9ce4_8422_2325, step))
}
