//! How many servers are heard of: whoever is in the network may say as many as they like.

use std::net::IpAddr;

/// The most that one address says.
const MOST_OF_ONE: usize = 100;

/// What is left for one kind of them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Room {
    /// The most of both kinds.
    pub(super) most: usize,
    /// How many there are of the other kind, of all and of the address that speaks.
    pub(super) others: usize,
    pub(super) others_of_one: usize,
}

impl Room {
    /// Whether one more is taken from this address; one that is known has its place, whose address it counts for.
    pub(super) fn has(
        self,
        known: Option<IpAddr>,
        from: IpAddr,
        count: usize,
        count_of_one: impl FnOnce() -> usize,
    ) -> bool {
        if known == Some(from) {
            return true;
        }
        let is_there_room = known.is_some() || count + self.others < self.most;
        is_there_room && count_of_one() + self.others_of_one < MOST_OF_ONE
    }
}
