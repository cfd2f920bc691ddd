//! Which names arguments get: those that they had at the last import, else what the API calls them, made usable.
//!
//! Instances give values to arguments by name. A name that belonged to a parameter belongs to it as long as it is
//! remembered, also where it is gone by now: another one under it would be sent a value that nobody meant for it.

use super::{arguments::Place, kept::KeptName, name};
use std::collections::HashMap;

/// Whose a name is.
#[derive(Debug)]
struct Owner {
    /// `None`: of whatever the API calls so, wherever it goes.
    place: Option<Place>,
    wire: String,
}

#[derive(Debug, Default)]
pub(super) struct ArgumentNames {
    /// The last number that was added to a name.
    numbers: HashMap<String, usize>,
    reserved: HashMap<String, Owner>,
    /// Names of the last import.
    kept: HashMap<(Place, String), String>,
}

impl ArgumentNames {
    /// Gives the names of the last import to the arguments that had them.
    pub(super) fn keep(&mut self, names: Vec<KeptName>) {
        for (place, wire, name) in names {
            let (place, wire) = identity(place, &wire);
            let owner = Owner {
                place: Some(place),
                wire: wire.clone(),
            };
            self.reserved.entry(name.clone()).or_insert(owner);
            self.kept.entry((place, wire)).or_insert(name);
        }
    }

    /// Keeps the names among these that need no change for the arguments that have them.
    pub(super) fn reserve<'a>(&mut self, wires: impl Iterator<Item = &'a str>) {
        for wire in wires.filter(|wire| name::argument(wire) == **wire) {
            let owner = || Owner {
                place: None,
                wire: wire.to_owned(),
            };
            self.reserved.entry(wire.to_owned()).or_insert_with(owner);
        }
    }

    /// A name for what goes there and is called so; `is_taken` tells of those that others have.
    pub(super) fn choose(&mut self, place: Place, wire: &str, is_taken: impl Fn(&str) -> bool) -> String {
        let own = identity(place, wire);
        let is_own = |name: &str| {
            self.reserved.get(name).is_none_or(|owner| match owner.place {
                Some(place) => (place, owner.wire.as_str()) == (own.0, own.1.as_str()),
                None => owner.wire == wire,
            })
        };
        let is_free = |name: &str| is_own(name) && !is_taken(name);
        if let Some(name) = self.kept.get(&own).filter(|name| is_free(name)) {
            return name.clone();
        }
        let base = name::argument(wire);
        let place = place.as_str();
        let mut name = base.clone();
        if !is_free(&name) {
            name = name::argument(&format!("{place}_{base}"));
        }
        let number = self.numbers.entry(format!("{place}_{base}")).or_insert(1);
        while !is_free(&name) {
            *number += 1;
            name = name::argument(&format!("{place}_{base}_{number}"));
        }
        name
    }
}

/// What makes a parameter the same one in another description.
fn identity(place: Place, wire: &str) -> (Place, String) {
    match place {
        // A member of a form stays the same member when it becomes a file.
        Place::Part => (Place::Body, wire.to_owned()),
        Place::Header => (place, wire.to_ascii_lowercase()),
        _ => (place, wire.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kept_name_is_its_owner_s_whatever_else_is_called_so() {
        let kept = || {
            let mut names = ArgumentNames::default();
            names.keep(vec![
                (Place::Path, "id".into(), "id".into()),
                (Place::Header, "X-Id".into(), "X-Id".into()),
                (Place::Body, "file".into(), "file".into()),
            ]);
            names.reserve(["id", "x-id", "file"].into_iter());
            names
        };
        let rows = [
            (Place::Path, "id", "id"),
            (Place::Query, "id", "query_id"),
            // Named alike whatever the case is.
            (Place::Header, "x-id", "X-Id"),
            (Place::Part, "file", "file"),
            (Place::Query, "file", "query_file"),
        ];
        // Whatever comes first, and whether the owner comes at all.
        for (place, wire, expected) in rows {
            assert_eq!(
                kept().choose(place, wire, |_| false),
                expected,
                "{place:?} {wire}"
            );
        }
        let mut without = ArgumentNames::default();
        without.reserve(["id"].into_iter());
        assert_eq!(without.choose(Place::Query, "id", |_| false), "id");
    }
}
