//! Names that the definition gives in one place of a request. Given there once more, another value could win over the
//! definition's own.

/// Names in a query or among cookies, and the number of the declared parameter that brings each.
#[derive(Debug, Default)]
pub(crate) struct TakenNames(Vec<(String, Option<usize>)>);

impl TakenNames {
    pub(super) fn add(&mut self, name: impl Into<String>, param: Option<usize>) {
        self.0.push((name.into(), param));
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(taken, _)| taken == name)
    }

    /// Whether something else than this parameter gives the name.
    pub(crate) fn gives(&self, name: &str, param: Option<usize>) -> bool {
        let mut others = self.0.iter().filter(|(_, by)| by.is_none() || *by != param);
        others.any(|(taken, _)| is_same_place(name, taken))
    }
}

/// Fields of a form or multipart body.
#[derive(Debug, Default)]
pub(crate) struct TakenFields {
    /// Those that are members of the body's value, and whether no argument has a say in what they are.
    pub(super) members: Vec<(String, bool)>,
    /// Those beside it.
    pub(super) parts: Vec<String>,
}

impl TakenFields {
    /// Whether something else than the member that makes this field gives it.
    pub(crate) fn gives(&self, field: &str, member: &str) -> bool {
        if self
            .members
            .iter()
            .any(|(name, is_own)| *is_own && name == member)
        {
            return false;
        }
        let members = self.members.iter().map(|(name, _)| name);
        let mut others = members.filter(|name| *name != member).chain(&self.parts);
        others.any(|taken| is_same_place(field, taken))
    }
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
