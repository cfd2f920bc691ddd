//! What differs between two versions of a JSON Schema, and whom that breaks: who sends values that the schema has to
//! accept (arguments), or who reads values that it promises (results).
//!
//! Own code: what there is on crates.io judges whole API descriptions, not one schema of a tool. A difference whose
//! effect cannot be told counts as breaking; saying nothing would be a promise.

mod keyword;
mod reference;
mod types;

use reference::resolve;
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// Deeper differences are not looked for.
const MAX_DEPTH: usize = 32;

/// One difference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Difference {
    /// Where: `filter.tags[]`; empty for the whole.
    pub(super) path: String,
    /// What is new there.
    pub(super) text: String,
    /// What becomes of the values.
    pub(super) effect: Effect,
}

/// What becomes of the values that a schema accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    /// Nothing differs.
    None,
    /// Some values are accepted no more.
    Narrower,
    /// More values are accepted.
    Wider,
    /// A part of them has lost its meaning, or it cannot be told.
    Other,
}

impl Effect {
    /// Whether it breaks those who send values.
    pub(super) fn breaks_senders(self) -> bool {
        matches!(self, Self::Narrower | Self::Other)
    }

    /// Whether it breaks those who read values.
    pub(super) fn breaks_readers(self) -> bool {
        matches!(self, Self::Wider | Self::Other)
    }
}

/// The differences from the whole to its parts, members in the order of the new schema.
pub(super) fn compare(old: &Value, new: &Value) -> Vec<Difference> {
    let mut comparison = Comparison {
        roots: (old, new),
        seen: BTreeSet::new(),
        found: Vec::new(),
    };
    comparison.schemas("", old, new, 0);
    comparison.found
}

struct Comparison<'a> {
    roots: (&'a Value, &'a Value),
    /// Pairs of references that are compared already; schemas may contain themselves.
    seen: BTreeSet<(&'a str, &'a str)>,
    found: Vec<Difference>,
}

impl<'a> Comparison<'a> {
    fn note(&mut self, path: &str, effect: Effect, text: impl Into<String>) {
        self.found.push(Difference {
            path: path.to_owned(),
            text: text.into(),
            effect,
        });
    }

    fn schemas(&mut self, path: &str, old: &'a Value, new: &'a Value, depth: usize) {
        let (old_name, old) = resolve(self.roots.0, old);
        let (new_name, new) = resolve(self.roots.1, new);
        let is_repeated = match (old_name, new_name) {
            (Some(old), Some(new)) => !self.seen.insert((old, new)),
            _ => false,
        };
        if is_repeated || depth > MAX_DEPTH {
            return;
        }
        match (old, new) {
            (Value::Bool(false), Value::Bool(false)) => {}
            (Value::Bool(false), _) => self.note(path, Effect::Wider, "is possible now"),
            (_, Value::Bool(false)) => self.note(path, Effect::Narrower, "is impossible now"),
            _ => {
                types::compare(path, old, new, &mut self.found);
                keyword::compare(path, old, new, &mut self.found);
                self.members(path, old, new, depth);
                self.rest(path, "additionalProperties", ".*", (old, new), depth);
                self.rest(path, "items", "[]", (old, new), depth);
            }
        }
    }

    fn members(&mut self, path: &str, old: &'a Value, new: &'a Value, depth: usize) {
        let properties = |schema: &'a Value| schema.get("properties").and_then(Value::as_object);
        let (old_members, new_members) = (properties(old), properties(new));
        let has = |members: Option<&Map<String, Value>>, name: &str| {
            members.is_some_and(|members| members.contains_key(name))
        };
        let (was_required, is_required) = (required(old), required(new));
        for (name, after) in new_members.into_iter().flatten() {
            let path = inner(path, name);
            match old_members.and_then(|members| members.get(name)) {
                None if is_required.contains(name.as_str()) => {
                    self.note(&path, Effect::Narrower, "new, and required");
                }
                None => self.note(&path, Effect::None, "new, optional"),
                Some(before) => {
                    self.requirement(
                        &path,
                        was_required.contains(name.as_str()),
                        is_required.contains(name.as_str()),
                    );
                    self.schemas(&path, before, after, depth + 1);
                }
            }
        }
        for (name, _) in old_members.into_iter().flatten() {
            if !has(new_members, name) {
                self.note(&inner(path, name), Effect::Other, "removed");
            }
        }
        // Required without being described.
        for name in was_required.union(&is_required) {
            if !has(new_members, name) && !has(old_members, name) {
                self.requirement(
                    &inner(path, name),
                    was_required.contains(name),
                    is_required.contains(name),
                );
            }
        }
    }

    fn requirement(&mut self, path: &str, before: bool, after: bool) {
        match (before, after) {
            (false, true) => self.note(path, Effect::Narrower, "required now"),
            (true, false) => self.note(path, Effect::Wider, "optional now"),
            _ => {}
        }
    }

    /// What holds for all members or items without a schema of their own.
    fn rest(&mut self, path: &str, name: &str, mark: &str, (old, new): (&'a Value, &'a Value), depth: usize) {
        let path = format!("{path}{mark}");
        match (old.get(name), new.get(name)) {
            (None, None) => {}
            (Some(old), Some(new)) => self.schemas(&path, old, new, depth + 1),
            (None, Some(after)) if *after != Value::Bool(true) => {
                self.note(&path, Effect::Narrower, format!("bound by `{name}` now"));
            }
            (Some(before), None) if *before != Value::Bool(true) => {
                self.note(&path, Effect::Wider, format!("no longer bound by `{name}`"));
            }
            _ => {}
        }
    }
}

fn required(schema: &Value) -> BTreeSet<&str> {
    let names = schema.get("required").and_then(Value::as_array);
    names.into_iter().flatten().filter_map(Value::as_str).collect()
}

fn inner(path: &str, name: &str) -> String {
    if path.is_empty() {
        name.to_owned()
    } else {
        format!("{path}.{name}")
    }
}

#[cfg(test)]
mod tests;
