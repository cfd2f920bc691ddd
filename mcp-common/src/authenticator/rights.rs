//! What the holder of a key may do: what the key opens itself, and the rules of its roles.

mod gather;

pub use gather::Gathered;

use super::Narrowing;
use crate::definition::role::{Rule, Thing};
use std::{
    hash::{DefaultHasher, Hash, Hasher},
    sync::Arc,
};

/// What somebody may do. Nothing is allowed that no rule allows; what a rule refuses is refused, whatever allows it.
/// Two with the same rules are the same, so that what is made for one serves the other.
#[derive(Debug, Default)]
pub struct Rights {
    allow: Vec<Placed>,
    deny: Vec<Placed>,
    /// What is shown at the most, whatever allows more.
    shown: Narrowing,
    /// Why nothing is allowed, although rules might.
    broken: Option<String>,
    has_conditions: bool,
    hash: u64,
}

/// A rule and where it stands.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Placed {
    /// The rule.
    pub rule: Rule,
    /// For people: ``role `agent`, allow[0]``.
    pub place: Arc<str>,
}

/// Whether a call is allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision<'a> {
    /// It is, by this rule.
    Allowed(&'a Placed),
    /// It is refused by this rule.
    Denied(&'a Placed),
    /// It is not, since the conditions of these rules do not hold.
    Conditional(Vec<&'a Placed>),
    /// No rule allows it, or the key does not show it.
    Unknown,
}

impl Rights {
    pub(super) fn new(
        allow: Vec<Placed>,
        deny: Vec<Placed>,
        shown: Narrowing,
        broken: Option<String>,
    ) -> Self {
        let mut hasher = DefaultHasher::new();
        (&allow, &deny, &shown, &broken).hash(&mut hasher);
        let mut rules = allow.iter().chain(&deny);
        Self {
            has_conditions: rules.any(|placed| placed.rule.when.is_some()),
            hash: hasher.finish(),
            allow,
            deny,
            shown,
            broken,
        }
    }

    /// Why nothing is allowed: one of the roles cannot be read.
    pub fn broken(&self) -> Option<&str> {
        self.broken.as_deref()
    }

    /// Whether the instance may be used at all.
    pub fn opens(&self, instance: &str) -> bool {
        self.is_whole()
            && rules(&self.allow).any(|rule| rule.covers_some_of(instance))
            && !rules(&self.deny).any(|rule| rule.covers_all_of(instance))
    }

    /// Whether something of the instance may be hidden.
    pub fn narrows(&self, instance: &str) -> bool {
        !self.is_whole()
            || !self.shown.is_empty()
            || rules(&self.deny).any(|rule| rule.covers_some_of(instance))
            || !rules(&self.allow).any(|rule| rule.covers_all_of(instance))
    }

    /// Whether the thing is listed. What is not listed is unknown; whether a call of what is listed is allowed may depend on its
    /// arguments.
    pub fn shows(&self, instance: &str, thing: Thing<'_>) -> bool {
        let covers = |rule: &Rule| rule.covers(instance, thing);
        self.is_whole()
            && self.shown.shows(thing)
            && rules(&self.allow).any(covers)
            && !rules(&self.deny).any(|rule| rule.when.is_none() && covers(rule))
    }

    /// Whether some rule has a condition.
    pub fn has_conditions(&self) -> bool {
        self.has_conditions
    }

    /// Whether the thing may be used. `holds` computes conditions. One that cannot be computed does not allow, and refuses.
    pub fn decide(
        &self,
        instance: &str,
        thing: Thing<'_>,
        holds: impl Fn(&str) -> Result<bool, String>,
    ) -> Decision<'_> {
        if !self.is_whole() || !self.shown.shows(thing) {
            return Decision::Unknown;
        }
        let covers = |placed: &&Placed| placed.rule.covers(instance, thing);
        let refuses = |placed: &&Placed| {
            let condition = placed.rule.when.as_deref();
            condition.is_none_or(|condition| holds(condition) != Ok(false))
        };
        if let Some(denied) = self.deny.iter().filter(covers).find(refuses) {
            return Decision::Denied(denied);
        }
        let mut conditions = Vec::new();
        for placed in self.allow.iter().filter(covers) {
            match placed.rule.when.as_deref() {
                Some(condition) if holds(condition) != Ok(true) => conditions.push(placed),
                _ => return Decision::Allowed(placed),
            }
        }
        if conditions.is_empty() {
            return Decision::Unknown;
        }
        Decision::Conditional(conditions)
    }

    /// Whether something in `/admin` may be done.
    pub fn opens_admin(&self) -> bool {
        self.is_whole() && rules(&self.allow).any(Rule::is_of_admin)
    }

    /// The rule that lets the holder do this in `/admin`: `admin/tds/write`.
    pub fn admin(&self, action: &str) -> Option<&Placed> {
        let covers = |placed: &&Placed| placed.rule.covers_admin(action);
        if !self.is_whole() || self.admin_refusal(action).is_some() {
            return None;
        }
        self.allow.iter().find(covers)
    }

    /// The rule that refuses this in `/admin`.
    pub fn admin_refusal(&self, action: &str) -> Option<&Placed> {
        self.deny.iter().find(|placed| placed.rule.covers_admin(action))
    }

    fn is_whole(&self) -> bool {
        self.broken.is_none()
    }
}

fn rules(placed: &[Placed]) -> impl Iterator<Item = &Rule> {
    placed.iter().map(|placed| &placed.rule)
}

impl PartialEq for Rights {
    fn eq(&self, other: &Self) -> bool {
        self.hash == other.hash
            && (&self.allow, &self.deny, &self.shown, &self.broken)
                == (&other.allow, &other.deny, &other.shown, &other.broken)
    }
}

impl Eq for Rights {}

/// Computed once: they are looked up in every request.
impl Hash for Rights {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.hash.hash(state);
    }
}

#[cfg(test)]
mod tests;
