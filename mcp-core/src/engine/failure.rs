//! Why a call has no answer.

use super::result::{CallResult, Outcome};
use crate::{
    connect::{Trouble, TroubleKind},
    tool::bounded,
};
use serde::{Deserialize, Serialize};

/// Before the findings about arguments.
const ARGUMENTS: &str = "The arguments do not fit this tool; nothing was sent.\n";

/// How much of a place is repeated; names in it are the client's.
const MAX_POINTER: usize = 400;
/// How much of a reason, which may repeat them too.
const MAX_REASON: usize = 1_000;

/// What the model is told, and what metrics count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) outcome: Outcome,
    pub(crate) text: String,
}

/// One thing that is wrong with the arguments.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArgumentProblem {
    /// JSON Pointer of the argument; `(root)` for all of them.
    pub path: String,
    /// What is wrong, for people and models.
    pub reason: String,
}

impl ArgumentProblem {
    /// Of all arguments together, or of the call.
    pub(crate) fn whole(reason: &str) -> Self {
        Self {
            path: "(root)".to_owned(),
            reason: reason.to_owned(),
        }
    }
}

impl Failure {
    pub(crate) fn new(outcome: Outcome, text: impl Into<String>) -> Self {
        Self {
            outcome,
            text: text.into(),
        }
    }

    /// The arguments cannot be sent. One line per finding.
    pub(crate) fn arguments(findings: &str) -> Self {
        let text = format!("{ARGUMENTS}{}", findings.trim_start());
        Self::new(Outcome::InvalidArguments, text)
    }

    /// One argument cannot be sent.
    pub(crate) fn argument(pointer: &str, reason: &str) -> Self {
        let (pointer, reason) = (bounded(pointer, MAX_POINTER), bounded(reason, MAX_REASON));
        Self::arguments(&format!("{pointer}: {reason}"))
    }

    /// The findings one by one; a failure that is not about arguments is one of the whole call.
    pub(crate) fn problems(&self) -> Vec<ArgumentProblem> {
        let Some(findings) = self.text.strip_prefix(ARGUMENTS) else {
            return vec![ArgumentProblem::whole(&self.text)];
        };
        let read = |line: &str| match line.split_once(": ") {
            Some((path, reason)) => ArgumentProblem {
                path: path.to_owned(),
                reason: reason.to_owned(),
            },
            None => ArgumentProblem::whole(line),
        };
        findings
            .lines()
            .filter(|line| !line.is_empty())
            .map(read)
            .collect()
    }

    /// The first finding without its place.
    pub(crate) fn reason(&self) -> String {
        let first = self.problems().into_iter().next();
        first.map(|problem| problem.reason).unwrap_or_default()
    }

    pub(crate) fn into_result(self, upstream_status: Option<u16>) -> CallResult {
        CallResult::text(&self.text, true, self.outcome, upstream_status)
    }
}

impl From<Trouble> for Failure {
    fn from(trouble: Trouble) -> Self {
        let outcome = match trouble.kind {
            TroubleKind::Connect => Outcome::Connect,
            TroubleKind::Timeout => Outcome::Timeout,
            TroubleKind::Tls => Outcome::Tls,
            TroubleKind::Refused => Outcome::Refused,
            TroubleKind::BadAnswer => Outcome::BadAnswer,
        };
        Self::new(outcome, trouble.text)
    }
}
