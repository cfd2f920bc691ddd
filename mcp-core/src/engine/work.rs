//! What of a call's own work may take long, or much memory: schemas that check, programs that run, templates that are filled.

use super::{failure::Failure, seen::Seen};
use crate::{
    json::text::Text,
    tool::{Effort, Ended, Filling, Program, Schema, Unrendered, Verdict},
};
use mcp_common::bounds;

/// What the values of a text may take in the gateway itself: several calls are worked on at once, and each may have some of them.
const HEAVY: u64 = 16 << 20;
/// A text of fewer bytes never takes as much.
const LIGHT: usize = 16 << 10;

/// Whether the values of these JSON texts take so much memory that they are read in a process that may die only.
pub(crate) fn is_heavy(texts: &[&str]) -> bool {
    texts.iter().map(|text| text.len()).sum::<usize>() > LIGHT
        && texts
            .iter()
            .map(|text| bounds::weight(text.as_bytes()))
            .sum::<u64>()
            > HEAVY
}

/// What a template makes, or what is wrong with it; `None` where it is undefined.
pub(crate) type Filled = Result<Option<String>, Unrendered>;

/// Where it is done.
pub(crate) trait Work {
    /// What a jq program makes of a JSON text, or what is wrong with it. The result may have `limit` bytes.
    fn run(&self, program: &Program, json: &str, limit: usize) -> Result<Result<String, String>, Stop>;

    /// What a schema says of a JSON text. `for_logs`: with the places that break it.
    fn check(&self, schema: &Schema, text: Text<'_>, for_logs: bool) -> Result<Verdict, Stop>;

    /// What a template makes of names that are [heavy](is_heavy).
    fn fill(&self, filling: &Filling, seen: &Seen<'_>) -> Result<Filled, Stop>;
}

/// Why it was not done.
#[derive(Debug)]
pub(crate) enum Stop {
    /// It takes longer, or more memory, than it may here.
    Long,
    /// It takes more than it may anywhere.
    Failed(Failure),
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

/// Work that is done on the thread that asks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Here(pub(crate) Effort);

impl Work for Here {
    fn run(&self, program: &Program, json: &str, limit: usize) -> Result<Result<String, String>, Stop> {
        if is_heavy(&[json]) {
            return Err(Stop::Long);
        }
        match program.run(json, limit, self.0) {
            Ok(data) => Ok(Ok(data)),
            Err(Ended::Failed(reason)) => Ok(Err(reason)),
            Err(Ended::Long) => Err(Stop::Long),
        }
    }

    fn check(&self, schema: &Schema, text: Text<'_>, for_logs: bool) -> Result<Verdict, Stop> {
        let is_allowed = match self.0 {
            Effort::Short => schema.is_quick(text.get()),
            Effort::Full => schema.is_bounded(text.get()),
        };
        match is_allowed && !is_heavy(&[text.get()]) {
            true => Ok(schema.judge(text, for_logs)),
            false => Err(Stop::Long),
        }
    }

    fn fill(&self, _: &Filling, _: &Seen<'_>) -> Result<Filled, Stop> {
        Err(Stop::Long)
    }
}
