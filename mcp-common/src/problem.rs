//! What is wrong with a definition, and where: the text that reaches the person who wrote it.

use serde::Serialize;
use std::{error::Error, fmt};

/// Longer reasons are cut, in bytes: they are kept, shown and logged.
const MOST_REASON: usize = 2_000;

/// What an error comes down to: the text of its last cause. What wraps it often only says that something failed.
pub fn innermost_cause(error: &(dyn Error + 'static)) -> String {
    let mut last = error;
    while let Some(cause) = last.source() {
        last = cause;
    }
    last.to_string()
}

/// What may be meant where a port speaks the other of http and https. The libraries of TLS and HTTP only say which of their messages
/// could not be read, as the innermost cause.
pub fn other_scheme(is_https: bool, cause: &str) -> Option<&'static str> {
    if is_https && cause.contains("InvalidContentType") {
        Some("the port does not speak TLS: is it http?")
    } else if !is_https && cause.contains("invalid HTTP version") {
        Some("the port speaks something else than HTTP: is it https?")
    } else {
        None
    }
}

/// One finding about one place of a document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// Dotted path of the member, `tds_ext_info.path`; empty for the document as a whole.
    pub field: String,
    /// What is wrong and what would be right.
    pub reason: String,
}

impl Problem {
    /// A finding about one member.
    pub fn at(field: impl Into<String>, reason: impl Into<String>) -> Self {
        Self {
            field: field.into(),
            reason: bounded(reason.into()),
        }
    }

    /// A finding about the document as a whole.
    pub fn whole(reason: impl Into<String>) -> Self {
        Self::at("", reason)
    }
}

/// Readers of JSON repeat what they did not expect, however long it is.
fn bounded(mut reason: String) -> String {
    if reason.len() > MOST_REASON {
        reason.truncate(reason.floor_char_boundary(MOST_REASON));
        reason.push('…');
    }
    reason
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.field.is_empty() {
            f.write_str(&self.reason)
        } else {
            write!(f, "{}: {}", self.field, self.reason)
        }
    }
}

/// Everything that keeps a document from being used; never empty.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
pub struct Problems(pub Vec<Problem>);

impl From<Problem> for Problems {
    fn from(problem: Problem) -> Self {
        Self(vec![problem])
    }
}

impl Problems {
    /// Adds members that are misspelt, where nothing is said of them yet.
    pub fn and_misspelt(mut self, misspelt: Vec<Problem>) -> Self {
        let is_told = |problem: &Problem| self.0.iter().any(|other| other.field == problem.field);
        let new: Vec<_> = misspelt.into_iter().filter(|problem| !is_told(problem)).collect();
        self.0.extend(new);
        self
    }

    /// Adds what was found afterwards, except where it may only come from what is known: at the same place, around it or in it,
    /// about the document as a whole, or at a place that `follows` the other one.
    pub fn and_later(mut self, later: Vec<Problem>, follows: impl Fn(&str, &str) -> bool) -> Self {
        let known: Vec<_> = self.0.iter().map(|problem| problem.field.clone()).collect();
        let is_new = |problem: &Problem| {
            let mut known = known.iter();
            !known.any(|known| is_about(&problem.field, known) || follows(&problem.field, known))
        };
        self.0.extend(later.into_iter().filter(is_new));
        self
    }
}

/// Whether what is said about one place may come from a mistake in the other one.
pub(crate) fn is_about(field: &str, place: &str) -> bool {
    field.is_empty() || !place.is_empty() && (is_within(field, place) || is_within(place, field))
}

/// Whether the inner place is the outer one or a part of it.
pub(crate) fn is_within(inner: &str, outer: &str) -> bool {
    inner
        .strip_prefix(outer)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

#[cfg(test)]
mod tests {
    use super::is_about;

    #[test]
    fn places_around_and_inside_are_the_same_mistake() {
        for (field, place, expected) in [
            ("a.b", "a.b", true),
            ("a.b[1].c", "a.b", true),
            ("a", "a.b", true),
            ("", "a.b", true),
            ("a.bc", "a.b", false),
            ("a.c", "a.b", false),
            ("a.c", "", false),
        ] {
            assert_eq!(is_about(field, place), expected, "{field} {place}");
        }
    }
}
