//! Roles that inherit each other in circles. Which ones do is found out in one pass over all of them; only these are looked at one by one.

use crate::{
    definition::RoleDefinition,
    key::{Key, Revision},
};
use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, OnceLock},
};

/// Roles of a circle that are named, of those that are many.
const NAMED: usize = 16;

/// A role that inherits itself by way of others. Keys that have it open nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Circle {
    /// The role.
    pub role: Key,
    /// The revision of its document.
    pub revision: Revision,
    /// The way around, for people.
    pub reason: String,
}

/// Those of one snapshot and of all that have the same roles, once somebody asked.
pub(super) type KnownCircles = Arc<OnceLock<Arc<[Circle]>>>;

/// A role as it is stored.
pub(super) type Role<'a> = (&'a RoleDefinition, Revision);

/// By id.
pub(super) fn find<'a>(roles: impl Iterator<Item = Role<'a>>) -> Arc<[Circle]> {
    let inheritance = Inheritance::of(roles.collect());
    let left = inheritance.between_circles();
    let circle = |role: usize| {
        let reason = reason(&inheritance.way_back(role, &left)?);
        let (definition, revision) = inheritance.roles[role];
        Some(Circle {
            role: Key::role(definition.id.clone()),
            revision,
            reason,
        })
    };
    (0..left.len())
        .filter(|role| left[*role])
        .filter_map(circle)
        .collect()
}

/// Which role inherits which, by their places in a list.
struct Inheritance<'a> {
    roles: Vec<Role<'a>>,
    inherits: Vec<Vec<usize>>,
    inherited_by: Vec<Vec<usize>>,
}

impl<'a> Inheritance<'a> {
    fn of(roles: Vec<Role<'a>>) -> Self {
        let ids = roles.iter().enumerate();
        let places: HashMap<&str, usize> = ids.map(|(place, (role, _))| (&*role.id, place)).collect();
        let mut inherits = vec![Vec::new(); roles.len()];
        let mut inherited_by = vec![Vec::new(); roles.len()];
        for (place, (role, _)) in roles.iter().enumerate() {
            let known = role.inherits.iter().filter_map(|id| places.get(&**id));
            for inherited in known {
                inherits[place].push(*inherited);
                inherited_by[*inherited].push(place);
            }
        }
        Self {
            roles,
            inherits,
            inherited_by,
        }
    }

    /// Roles that are in a circle, or on a way from one circle to another.
    fn between_circles(&self) -> Vec<bool> {
        let mut left = vec![true; self.roles.len()];
        strip(&mut left, &self.inherits, &self.inherited_by);
        strip(&mut left, &self.inherited_by, &self.inherits);
        left
    }

    /// The shortest way from a role to itself.
    fn way_back(&self, role: usize, left: &[bool]) -> Option<Vec<&'a str>> {
        let id = |role: usize| &*self.roles[role].0.id;
        let mut led_to: HashMap<usize, usize> = HashMap::new();
        let mut open = VecDeque::from([role]);
        while let Some(at) = open.pop_front() {
            for next in self.inherits[at].iter().copied().filter(|next| left[*next]) {
                if next == role {
                    let mut way = vec![id(role), id(at)];
                    let mut at = at;
                    while let Some(before) = led_to.get(&at) {
                        way.push(id(*before));
                        at = *before;
                    }
                    way.reverse();
                    return Some(way);
                }
                led_to.entry(next).or_insert_with(|| {
                    open.push_back(next);
                    at
                });
            }
        }
        None
    }
}

/// Takes away whatever leads nowhere, and then what leads only there.
fn strip(left: &mut [bool], ahead: &[Vec<usize>], behind: &[Vec<usize>]) {
    let mut ways: Vec<usize> = ahead
        .iter()
        .map(|next| next.iter().filter(|role| left[**role]).count())
        .collect();
    let mut ends: Vec<usize> = (0..left.len())
        .filter(|role| left[*role] && ways[*role] == 0)
        .collect();
    while let Some(end) = ends.pop() {
        left[end] = false;
        for before in behind[end].iter().copied().filter(|before| left[*before]) {
            ways[before] -= 1;
            if ways[before] == 0 {
                ends.push(before);
            }
        }
    }
}

fn reason(way: &[&str]) -> String {
    let names = match way.len() {
        few if few <= NAMED + 1 => way.join(" → "),
        many => {
            let unnamed = many - NAMED - 1;
            let last = way[many - 1];
            format!("{} → … ({unnamed} more) → {last}", way[..NAMED].join(" → "))
        }
    };
    format!(
        "inherits: roles inherit each other in a circle: {names}; keys that have one of them open nothing"
    )
}

#[cfg(test)]
mod tests;
