//! Names that the definition gives in one place of a request. Given there once more, another value could win over the
//! definition's own.

use std::collections::{BTreeMap, BTreeSet};

/// Names in a query or among cookies, and the number of the declared parameter that brings each. They lie by what stands
/// before their brackets, since a call may bring very many names that are compared with all of them.
#[derive(Debug, Default)]
pub(crate) struct TakenNames(BTreeMap<String, Vec<(String, Option<usize>)>>);

impl TakenNames {
    pub(super) fn add(&mut self, name: impl Into<String>, param: Option<usize>) {
        let name = name.into();
        let near = self.0.entry(stem(&name).to_owned()).or_default();
        near.push((name, param));
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.near(name).any(|(taken, _)| taken == name)
    }

    /// Whether something else than this parameter gives the name.
    pub(crate) fn gives(&self, name: &str, param: Option<usize>) -> bool {
        let mut others = self.near(name).filter(|(_, by)| by.is_none() || *by != param);
        others.any(|(taken, _)| is_same_place(name, taken))
    }

    fn near(&self, name: &str) -> impl Iterator<Item = &(String, Option<usize>)> {
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

    /// Whether something else than the member that makes this field gives it.
    pub(crate) fn gives(&self, field: &str, member: &str) -> bool {
        if self.own.contains(member) {
            return false;
        }
        let near = self.fields.get(stem(field)).into_iter().flatten();
        let mut others = near.filter(|(name, is_member)| !is_member || name != member);
        others.any(|(taken, _)| is_same_place(field, taken))
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
