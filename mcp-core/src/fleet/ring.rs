//! The ring of consistent hashing (Karger et al. 1997): each endpoint has many points on it, and a key belongs to the next point. An endpoint that
//! comes or goes moves only keys between its own points and their neighbours.

use super::{Endpoint, Mask, key::hash};

/// Points in order, each with the place of its endpoint.
#[derive(Debug)]
pub(super) struct Ring(Box<[(u64, u8)]>);

impl Ring {
    /// `points`: those of the endpoint with the highest weight.
    pub(super) fn new(endpoints: &[Endpoint], points: u32) -> Self {
        let highest = endpoints
            .iter()
            .map(|endpoint| endpoint.weight)
            .max()
            .unwrap_or(1);
        let mut ring = Vec::new();
        for (endpoint, place) in endpoints.iter().zip(0_u8..) {
            let own = u64::from(points) * u64::from(endpoint.weight) / u64::from(highest.max(1));
            // By address and not by place, so that the order of the document does not matter.
            let point = |number: u64| (hash(b'r', &format!("{} {number}", endpoint.url)), place);
            ring.extend((0..own.max(1)).map(point));
        }
        ring.sort_unstable();
        Self(ring.into())
    }

    /// The place that a key belongs to, if it is one of these; else the next one of them.
    pub(super) fn find(&self, key: u64, among: Mask) -> Option<usize> {
        let start = self.0.partition_point(|(point, _)| *point < key);
        let (before, after) = self.0.split_at(start);
        let places = after.iter().chain(before).map(|(_, place)| usize::from(*place));
        places.into_iter().find(|place| among.has(*place))
    }
}
