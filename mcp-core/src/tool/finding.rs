//! What is wrong with a value, place by place. Texts are made of it at the end, for whoever reads them.

use super::bounded;
use serde::{Deserialize, Serialize};
use std::fmt;

/// How much of a place is repeated; names in it are the client's.
const MAX_POINTER: usize = 400;
/// How much of a reason, which may repeat them too.
const MAX_REASON: usize = 1_000;

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Finding {
    /// JSON Pointer of the place, `(root)` for the outermost value; `None` where it is about no place.
    pub(crate) pointer: Option<String>,
    /// What is wrong there, for people and models.
    pub(crate) reason: String,
}

/// All that is told; never empty.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Findings {
    pub(crate) list: Vec<Finding>,
    pub(crate) more: More,
}

/// Whether there is more than what is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum More {
    Nothing,
    Something,
    Perhaps,
}

impl Finding {
    /// About one place. Long pointers and reasons are cut.
    pub(crate) fn at(pointer: &str, reason: &str) -> Self {
        Self {
            pointer: Some(bounded(pointer, MAX_POINTER)),
            reason: bounded(reason, MAX_REASON),
        }
    }

    /// About the whole.
    pub(crate) fn whole(reason: impl Into<String>) -> Self {
        Self {
            pointer: None,
            reason: reason.into(),
        }
    }
}

impl From<Vec<Finding>> for Findings {
    fn from(list: Vec<Finding>) -> Self {
        Self {
            list,
            more: More::Nothing,
        }
    }
}

impl More {
    pub(crate) fn as_str(self) -> Option<&'static str> {
        match self {
            Self::Nothing => None,
            Self::Something => Some("and more"),
            Self::Perhaps => Some("and perhaps more"),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.pointer {
            Some(pointer) => write!(f, "{pointer}: {}", self.reason),
            None => f.write_str(&self.reason),
        }
    }
}

/// One line for each, with a line break before it.
impl fmt::Display for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for finding in &self.list {
            write!(f, "\n{finding}")?;
        }
        match self.more.as_str() {
            Some(more) => write!(f, "\n… {more}"),
            None => Ok(()),
        }
    }
}

impl Findings {
    /// On one line.
    pub(crate) fn in_a_row(&self) -> String {
        let mut parts: Vec<String> = self.list.iter().map(Finding::to_string).collect();
        parts.extend(self.more.as_str().map(|more| format!("… {more}")));
        parts.join("; ")
    }
}
