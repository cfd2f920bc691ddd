//! An endpoint for one request.

use super::{
    Fleet, Keys, Lease, Mask,
    breaker::{Admission, Stand},
};
use crate::live::NoTurn;
use std::time::{Duration, Instant};

/// Why no endpoint gets the request; nothing was sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unavailable {
    /// All of them were tried.
    #[error("all of its endpoints were tried")]
    Tried,
    /// Breakers are open.
    #[error("{}", open(*.of, *.wait))]
    Open {
        /// How many endpoints there are.
        of: usize,
        /// The time until one is tried again.
        wait: Duration,
    },
    /// All that could take it have as many as they may have.
    #[error(
        "{most} requests are under way to each endpoint that can be called (`limits.endpoint_concurrency`)"
    )]
    Busy {
        /// The bound.
        most: u32,
    },
    /// The same, and it is over for who waits.
    #[error(
        "{most} requests are under way to each endpoint that can be called (`limits.endpoint_concurrency`), and {why}"
    )]
    NoTurn {
        /// The bound.
        most: u32,
        /// What came of waiting.
        why: NoTurn,
    },
}

fn open(of: usize, wait: Duration) -> String {
    let who = match of {
        1 => "its endpoint is".to_owned(),
        more => format!("all {more} of its endpoints are"),
    };
    let seconds = wait.as_secs_f64();
    format!("{who} let alone after failures (`breaker`), for {seconds:.1} s yet")
}

impl Fleet {
    /// The endpoint for a request with these keys, but none of those that it was sent to already.
    pub(crate) fn pick(&self, keys: Keys, tried: Mask) -> Result<Lease<'_>, Unavailable> {
        let begun = Instant::now();
        self.pick_at(keys, tried, begun)
    }

    /// The same for a request that failed at every endpoint which it could have: the others are let alone, but may be back since. If one answers, it is
    /// used again. What was tried nowhere has no last resort, and fails at once.
    pub(crate) fn pick_again(&self, keys: Keys, tried: Mask) -> Result<Lease<'_>, Unavailable> {
        let refused = match self.pick(keys, tried) {
            Err(why @ Unavailable::Open { .. }) if !tried.is_empty() => why,
            picked => return picked,
        };
        let begun = Instant::now();
        let mut tiers = self.tiers.iter().map(|tier| tier.without(tried));
        let place = tiers.find_map(|tier| self.chooser.choose(&self.endpoints, tier, keys.hash, &self.state));
        let place = place.filter(|place| self.endpoints[*place].state.enter(self.most));
        place.map_or(Err(refused), |place| Ok(Lease::new(self, place, begun, true)))
    }

    pub(super) fn pick_at(&self, keys: Keys, tried: Mask, begun: Instant) -> Result<Lease<'_>, Unavailable> {
        let now = self.clock.at(begun);
        if let Some(place) = keys.sticky.and_then(|key| self.pinned(key, tried, now))
            && let Some(lease) = self.enter(place, begun, now)
        {
            return Ok(lease);
        }
        let mut out = tried;
        loop {
            let chosen = self.choose(keys.hash, out, now);
            let place = chosen.ok_or_else(|| self.why_none(tried, now))?;
            let Some(lease) = self.enter(place, begun, now) else {
                out.add(place);
                continue;
            };
            if let Some(key) = keys.sticky {
                self.state.pin(key, &self.endpoints[place].url);
            }
            return Ok(lease);
        }
    }

    /// Where the requests with this key go, if that endpoint can be called.
    fn pinned(&self, key: u64, tried: Mask, now: u64) -> Option<usize> {
        let url = self.state.pinned(key)?;
        let place = self.endpoints.iter().position(|endpoint| endpoint.url == url)?;
        let state = &self.endpoints[place].state;
        let is_out = self.health.is_probed && state.health.is_out();
        (!tried.has(place) && !is_out && state.breaker.would_admit(now)).then_some(place)
    }

    /// The first tier that probes leave enough of; without one, the first of which anything is left at all.
    fn choose(&self, key: Option<u64>, out: Mask, now: u64) -> Option<usize> {
        let healthy = self.tiers.iter().filter_map(|tier| self.healthy(*tier));
        let all = self.tiers.iter().copied();
        healthy.chain(all).find_map(|tier| {
            let candidates = self.callable(tier.without(out), now);
            self.chooser.choose(&self.endpoints, candidates, key, &self.state)
        })
    }

    /// Those that probes have not taken out; `None` where these are too few.
    fn healthy(&self, tier: Mask) -> Option<Mask> {
        if !self.health.is_probed {
            return Some(tier);
        }
        let is_in = |place: &usize| !self.endpoints[*place].state.health.is_out();
        let healthy: Mask = tier.iter().filter(is_in).collect();
        (healthy.len() * 100 >= self.health.panic_percent * tier.len()).then_some(healthy)
    }

    /// Those whose breakers and places let a request through. One that came back lately is left out by chance, unless there is no other.
    fn callable(&self, tier: Mask, now: u64) -> Mask {
        let mut callable = Mask::default();
        let mut resting = Mask::default();
        for place in tier.iter() {
            let state = &self.endpoints[place].state;
            let has_place = self.most.is_none_or(|most| state.under_way() < most);
            if !has_place || !state.breaker.would_admit(now) {
                continue;
            }
            callable.add(place);
            let share = state.health.share(now, self.health);
            if share < 100 && self.state.dice.below(100) >= share {
                resting.add(place);
            }
        }
        match callable.without(resting) {
            rest if rest.is_empty() => callable,
            rest => rest,
        }
    }

    fn enter(&self, place: usize, begun: Instant, now: u64) -> Option<Lease<'_>> {
        let state = &self.endpoints[place].state;
        if !state.enter(self.most) {
            return None;
        }
        let decides = match state.breaker.admit(now) {
            Admission::Free => false,
            Admission::Decides => true,
            Admission::Refused => {
                state.leave();
                return None;
            }
        };
        Some(Lease::new(self, place, begun, decides))
    }

    /// The endpoint at this place, whatever is said of it: its session is there and nowhere else.
    pub(crate) fn enter_any(&self, place: usize) -> Lease<'_> {
        let begun = Instant::now();
        let state = &self.endpoints[place].state;
        state.enter(None);
        let decides = state.breaker.admit(self.clock.at(begun)) == Admission::Decides;
        Lease::new(self, place, begun, decides)
    }

    fn why_none(&self, tried: Mask, now: u64) -> Unavailable {
        let untried = self.endpoints.iter().enumerate();
        let mut untried = untried.filter(|(place, _)| !tried.has(*place)).peekable();
        if untried.peek().is_none() {
            return Unavailable::Tried;
        }
        let mut wait = u64::MAX;
        for (_, endpoint) in untried {
            match (endpoint.state.breaker.stand(now), self.most) {
                (Stand::Closed, Some(most)) => return Unavailable::Busy { most },
                (Stand::Open(until), _) => wait = wait.min(until.saturating_sub(now)),
                // The request that decides is under way.
                (Stand::HalfOpen | Stand::Closed, _) => wait = 0,
            }
        }
        Unavailable::Open {
            of: self.endpoints.len(),
            wait: Duration::from_millis(wait),
        }
    }
}
