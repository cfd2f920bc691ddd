//! One of the endpoints that can be called, by the algorithm of the document.

use super::{Endpoint, Mask, dice::Dice, endpoint::FleetState, ring::Ring};
use mcp_common::definition::upstream::{Algorithm, Balance};
use std::sync::atomic::Ordering;

/// What an answer is taken to last where none was measured yet, in microseconds.
const UNKNOWN_LATENCY: u64 = 1_000;

/// An algorithm, with what it works out beforehand.
#[derive(Debug)]
pub(super) enum Chooser {
    P2c,
    RoundRobin,
    LeastConnections,
    Random,
    WeightedRandom,
    ConsistentHash(Ring),
}

impl Chooser {
    pub(super) fn new(balance: &Balance, endpoints: &[Endpoint]) -> Self {
        match balance.algorithm {
            Algorithm::P2c => Self::P2c,
            Algorithm::RoundRobin => Self::RoundRobin,
            Algorithm::LeastConnections => Self::LeastConnections,
            Algorithm::ConsistentHash => Self::ConsistentHash(Ring::new(endpoints, balance.virtual_nodes)),
            Algorithm::Random => Self::Random,
            Algorithm::WeightedRandom => Self::WeightedRandom,
        }
    }

    /// `None` only without candidates.
    pub(super) fn choose(
        &self,
        endpoints: &[Endpoint],
        candidates: Mask,
        key: Option<u64>,
        state: &FleetState,
    ) -> Option<usize> {
        let count = candidates.len();
        if count < 2 {
            return candidates.nth(0);
        }
        match (self, key) {
            (Self::RoundRobin, _) => candidates.nth(turn(state, count)),
            (Self::Random, _) => candidates.nth(below(&state.dice, count)),
            (Self::WeightedRandom, _) => weighted(endpoints, candidates, &state.dice),
            (Self::LeastConnections, _) => least_connections(endpoints, candidates, state),
            (Self::ConsistentHash(ring), Some(key)) => ring.find(key, candidates),
            (Self::P2c | Self::ConsistentHash(_), _) => better_of_two(endpoints, candidates, &state.dice),
        }
    }
}

fn turn(state: &FleetState, count: usize) -> usize {
    state.turn.fetch_add(1, Ordering::Relaxed) % count
}

fn below(dice: &Dice, count: usize) -> usize {
    usize::try_from(dice.below(count as u64)).unwrap_or_default()
}

fn weighted(endpoints: &[Endpoint], candidates: Mask, dice: &Dice) -> Option<usize> {
    let weight = |place: usize| u64::from(endpoints[place].weight);
    let mut mark = dice.below(candidates.iter().map(weight).sum());
    candidates.iter().find(|place| {
        let is_hit = mark < weight(*place);
        mark = mark.saturating_sub(weight(*place));
        is_hit
    })
}

/// Where several have as few, they take turns.
fn least_connections(endpoints: &[Endpoint], candidates: Mask, state: &FleetState) -> Option<usize> {
    let load = |place: usize| {
        let endpoint = &endpoints[place];
        (u64::from(endpoint.state.under_way()) << 32) / u64::from(endpoint.weight)
    };
    let mut least = u64::MAX;
    let mut idlest = Mask::default();
    for place in candidates.iter() {
        let load = load(place);
        if load < least {
            (least, idlest) = (load, Mask::default());
        }
        if load == least {
            idlest.add(place);
        }
    }
    idlest.nth(turn(state, idlest.len().max(1)))
}

fn better_of_two(endpoints: &[Endpoint], candidates: Mask, dice: &Dice) -> Option<usize> {
    let count = candidates.len();
    let first = below(dice, count);
    let second = (first + 1 + below(dice, count - 1)) % count;
    let (first, second) = (candidates.nth(first)?, candidates.nth(second)?);
    let cost = |place: usize| {
        let endpoint = &endpoints[place];
        let latency = match endpoint.state.latency() {
            0 => UNKNOWN_LATENCY,
            known => known,
        };
        let waiting = u64::from(endpoint.state.under_way()) + 1;
        waiting.saturating_mul(latency).saturating_mul(1 << 16) / u64::from(endpoint.weight)
    };
    Some(if cost(second) < cost(first) { second } else { first })
}
