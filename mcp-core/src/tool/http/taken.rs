//! Names that the definition gives in one place of a request. Given there once more, another value could win over the
//! definition's own.

use std::collections::{BTreeMap, BTreeSet};

/// Who gives a name already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Giver {
    /// The definition, or the instance by hidden arguments: nothing else may lead to the same place.
    Definition,
    /// Another argument: only the same name stands twice. `page` and `page[size]` are two parameters of many APIs.
    Argument,
}

impl Giver {
    /// Whether `name` given as well would be a second value for what `taken` is given for.
    fn is_against(self, name: &str, taken: &str) -> bool {
        match self {
            Self::Definition => is_same_place(name, taken),
            Self::Argument => name == taken,
        }
    }

    /// As a reason for a refusal.
    pub(crate) fn refusal(self, name: &str) -> String {
        match self {
            Self::Definition => format!("`{name}` is given by the definition"),
            Self::Argument => format!("`{name}` is given by another argument too"),
        }
    }
}

/// A name that is given.
#[derive(Debug)]
struct Taken {
    name: String,
    /// The number of the declared parameter that brings it.
    param: Option<usize>,
    giver: Giver,
}

/// Names in a query or among cookies. They lie by what stands before their brackets, since a call may bring very many names
/// that are compared with all of them.
#[derive(Debug, Default)]
pub(crate) struct TakenNames(BTreeMap<String, Vec<Taken>>);

impl TakenNames {
    /// By the definition.
    pub(super) fn add(&mut self, name: impl Into<String>) {
        self.insert(name.into(), None, Giver::Definition);
    }

    /// By a declared parameter.
    pub(super) fn add_param(&mut self, name: String, param: usize, giver: Giver) {
        self.insert(name, Some(param), giver);
    }

    fn insert(&mut self, name: String, param: Option<usize>, giver: Giver) {
        let near = self.0.entry(stem(&name).to_owned()).or_default();
        near.push(Taken { name, param, giver });
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.near(name).any(|taken| taken.name == name)
    }

    /// Who else than this parameter gives the name. `is_guarded`: as if every argument were the definition's, because the
    /// instance may have hidden it.
    pub(crate) fn gives(&self, name: &str, param: Option<usize>, is_guarded: bool) -> Option<Giver> {
        let others = self
            .near(name)
            .filter(|taken| taken.param.is_none() || taken.param != param);
        let givers = others.filter_map(|taken| {
            let giver = if is_guarded {
                Giver::Definition
            } else {
                taken.giver
            };
            giver.is_against(name, &taken.name).then_some(giver)
        });
        givers.min_by_key(|giver| *giver == Giver::Argument)
    }

    fn near(&self, name: &str) -> impl Iterator<Item = &Taken> {
        self.0.get(stem(name)).into_iter().flatten()
    }
}

/// Fields of a form or multipart body.
#[derive(Debug, Default)]
pub(crate) struct TakenFields {
    /// Members of the body's value in which no argument has a say.
    own: BTreeSet<String>,
    /// All members of the body's value, with their name, and the fields beside it, without one.
    fields: BTreeMap<String, Vec<(String, bool)>>,
}

impl TakenFields {
    /// `members`: of the body's value, and whether no argument has a say in what they are. `parts`: beside it.
    pub(super) fn new(members: Vec<(String, bool)>, parts: impl Iterator<Item = String>) -> Self {
        let mut taken = Self::default();
        for (name, is_own) in members {
            if is_own {
                taken.own.insert(name.clone());
            }
            taken.add(name, true);
        }
        parts.for_each(|name| taken.add(name, false));
        taken
    }

    fn add(&mut self, name: String, is_member: bool) {
        let near = self.fields.entry(stem(&name).to_owned()).or_default();
        near.push((name, is_member));
    }

    /// Who else than the member that makes this field gives it; `is_guarded` as for names.
    pub(crate) fn gives(&self, field: &str, member: &str, is_guarded: bool) -> Option<Giver> {
        if self.own.contains(member) {
            return None;
        }
        let near = self.fields.get(stem(field)).into_iter().flatten();
        let others = near.filter(|(name, is_member)| !is_member || name != member);
        let givers = others.filter_map(|(taken, is_member)| {
            // What the definition names as a part is its own, though what is in it is an argument's.
            let is_own = match is_member {
                true => self.own.contains(taken),
                false => field == taken,
            };
            let giver = match is_own || is_guarded {
                true => Giver::Definition,
                false => Giver::Argument,
            };
            giver.is_against(field, taken).then_some(giver)
        });
        givers.min_by_key(|giver| *giver == Giver::Argument)
    }
}

/// What names of the same place have in common.
fn stem(name: &str) -> &str {
    name.split('[').next().unwrap_or_default()
}

/// Many servers put `a[b]` into `a`.
fn is_same_place(one: &str, other: &str) -> bool {
    let is_inside = |inner: &str, outer: &str| {
        let rest = inner.strip_prefix(outer);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('['))
    };
    is_inside(one, other) || is_inside(other, one)
}

#[cfg(test)]
mod tests {
    use super::is_same_place;

    #[test]
    fn brackets_lead_inside_and_other_beginnings_do_not() {
        for (one, other, expected) in [
            ("a", "a", true),
            ("a[b]", "a", true),
            ("a[b][0]", "a[b]", true),
            ("a[]", "a", true),
            ("a[b]", "a[c]", false),
            ("ab", "a", false),
            ("a.b", "a", false),
        ] {
            assert_eq!(is_same_place(one, other), expected, "{one} {other}");
            assert_eq!(is_same_place(other, one), expected, "{other} {one}");
        }
    }
}
