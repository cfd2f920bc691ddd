//! Why a call has no answer.

use super::result::{CallResult, Outcome};

/// What the model is told, and what metrics count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) outcome: Outcome,
    pub(crate) text: String,
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
        let text = format!(
            "The arguments do not fit this tool; nothing was sent.\n{}",
            findings.trim_start()
        );
        Self::new(Outcome::InvalidArguments, text)
    }

    /// One argument cannot be sent.
    pub(crate) fn argument(pointer: &str, reason: &str) -> Self {
        Self::arguments(&format!("{pointer}: {reason}"))
    }

    pub(crate) fn into_result(self, upstream_status: Option<u16>) -> CallResult {
        CallResult::text(&self.text, true, self.outcome, upstream_status)
    }
}
