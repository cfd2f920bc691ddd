//! Why a call has no answer.

use super::result::{CallResult, Outcome};
use crate::{
    connect::{Trouble, TroubleKind},
    tool::{Finding, Findings},
};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// Before the findings about arguments.
const ARGUMENTS: &str = "The arguments do not fit this tool; nothing was sent.";

/// What metrics count, and why; the text for the model is made when the result is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) outcome: Outcome,
    /// Certainly nothing was sent, so that it may be sent elsewhere.
    pub(crate) is_unsent: bool,
    cause: Cause,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Cause {
    /// The arguments, place by place.
    Arguments(Box<Findings>),
    /// Something else, in a sentence.
    Told(String),
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
        Finding::whole(reason).into()
    }
}

impl From<Finding> for ArgumentProblem {
    fn from(finding: Finding) -> Self {
        Self {
            path: finding.pointer.unwrap_or_else(|| "(root)".to_owned()),
            reason: finding.reason,
        }
    }
}

impl Failure {
    pub(crate) fn new(outcome: Outcome, text: impl Into<String>) -> Self {
        Self {
            outcome,
            is_unsent: false,
            cause: Cause::Told(text.into()),
        }
    }

    /// The arguments cannot be sent.
    pub(crate) fn arguments(findings: impl Into<Findings>) -> Self {
        Self {
            outcome: Outcome::InvalidArguments,
            is_unsent: false,
            cause: Cause::Arguments(Box::new(findings.into())),
        }
    }

    /// One argument cannot be sent.
    pub(crate) fn argument(pointer: &str, reason: &str) -> Self {
        Self::arguments(vec![Finding::at(pointer, reason)])
    }

    /// The findings one by one; a failure that is not about arguments is one of the whole call.
    pub(crate) fn into_problems(self) -> Vec<ArgumentProblem> {
        match self.cause {
            Cause::Arguments(findings) => {
                let more = findings
                    .more
                    .as_str()
                    .map(|more| Finding::whole(format!("… {more}")));
                findings.list.into_iter().chain(more).map(Into::into).collect()
            }
            Cause::Told(text) => vec![Finding::whole(text).into()],
        }
    }

    /// The first finding without its place.
    pub(crate) fn reason(&self) -> &str {
        match &self.cause {
            Cause::Arguments(findings) => findings.list.first().map_or("", |first| &first.reason),
            Cause::Told(text) => text,
        }
    }

    /// What the model is told.
    pub(crate) fn text(&self) -> Cow<'_, str> {
        match &self.cause {
            Cause::Arguments(findings) => format!("{ARGUMENTS}{findings}").into(),
            Cause::Told(text) => text.into(),
        }
    }

    pub(crate) fn into_result(self, upstream_status: Option<u16>) -> CallResult {
        CallResult::text(&self.text(), true, self.outcome, upstream_status)
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
        Self {
            is_unsent: trouble.is_unsent,
            ..Self::new(outcome, trouble.text)
        }
    }
}
