//! Short links by which callers connect an upstream: each is one caller's, for one upstream, for a while. Whoever opens it has to show that they
//! are that caller.

use super::{error::OAuthError, pkce};
use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// How long a link is good.
const PATIENCE: Duration = Duration::from_secs(900);
/// One that is good for less is not given again.
const RESERVE: Duration = Duration::from_secs(300);
/// More are not remembered at once; the oldest ends.
const MOST: usize = 10_000;

/// Whose link it is, and what for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ticket {
    /// The upstream's id.
    pub upstream: Arc<str>,
    /// What tells the caller from others.
    pub owner: Arc<str>,
    /// The caller's name, for people.
    pub name: Arc<str>,
}

/// All of them, by what the links end with.
#[derive(Default)]
pub(super) struct Tickets(Mutex<HashMap<String, (Ticket, Instant)>>);

impl Tickets {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, (Ticket, Instant)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The one of this caller and upstream: one that was given lately is given again.
    pub(super) fn give(&self, ticket: Ticket) -> Result<String, OAuthError> {
        let mut all = self.lock();
        all.retain(|_, (_, made)| made.elapsed() < PATIENCE);
        let lately =
            |(known, made): &(Ticket, Instant)| *known == ticket && made.elapsed() + RESERVE < PATIENCE;
        if let Some((text, _)) = all.iter().find(|(_, one)| lately(one)) {
            return Ok(text.clone());
        }
        if all.len() >= MOST {
            let oldest = all.iter().min_by_key(|(_, (_, made))| *made);
            if let Some(oldest) = oldest.map(|(text, _)| text.clone()) {
                all.remove(&oldest);
            }
        }
        let text = pkce::random_short()?;
        all.insert(text.clone(), (ticket, Instant::now()));
        Ok(text)
    }

    /// Whose it is.
    pub(super) fn find(&self, text: &str) -> Option<Ticket> {
        let all = self.lock();
        let found = all.get(text).filter(|(_, made)| made.elapsed() < PATIENCE);
        found.map(|(ticket, _)| ticket.clone())
    }

    /// Ends those of callers who are not there any more.
    pub(super) fn keep_callers(&self, is_there: &dyn Fn(&str) -> bool) {
        self.lock().retain(|_, (ticket, _)| is_there(&ticket.owner));
    }

    /// It has done what it was for.
    pub(super) fn end(&self, upstream: &str, owner: &str) {
        let is_it = |ticket: &Ticket| *ticket.upstream == *upstream && *ticket.owner == *owner;
        self.lock().retain(|_, (ticket, _)| !is_it(ticket));
    }
}

impl fmt::Debug for Tickets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} links", self.lock().len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ticket(upstream: &str, owner: &str) -> Ticket {
        Ticket {
            upstream: upstream.into(),
            owner: owner.into(),
            name: "n".into(),
        }
    }

    #[test]
    fn a_caller_has_one_link_for_an_upstream_and_many_callers_take_no_more_room() {
        let tickets = Tickets::default();
        let first = tickets.give(ticket("a", "anna")).unwrap();
        assert_eq!(first.len(), 22, "{first}");
        assert_eq!(tickets.give(ticket("a", "anna")).unwrap(), first);
        assert_ne!(tickets.give(ticket("a", "bob")).unwrap(), first);
        assert_ne!(tickets.give(ticket("b", "anna")).unwrap(), first);
        assert_eq!(tickets.find(&first), Some(ticket("a", "anna")));
        tickets.end("a", "anna");
        assert_eq!(tickets.find(&first), None);
        let of_bob = tickets.give(ticket("b", "bob")).unwrap();
        tickets.keep_callers(&|owner| owner != "bob");
        assert_eq!(tickets.find(&of_bob), None);
        for number in 0..MOST + 5 {
            tickets.give(ticket("c", &number.to_string())).unwrap();
        }
        assert_eq!(tickets.lock().len(), MOST);
    }
}
