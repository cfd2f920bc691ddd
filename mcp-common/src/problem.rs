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

/// One finding about one place of a document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// Dotted path of the member, `tds_ext_info.path`; empty for the document as a whole.
    pub field: String,
    /// What is wrong and what would be right.
    pub reason: String,
}

impl Problem {
    /// About one member.
    pub fn at(field: impl Into<String>, reason: impl Into<String>) -> Self {
        Self {
            field: field.into(),
            reason: bounded(reason.into()),
        }
    }

    /// About the document as a whole.
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
