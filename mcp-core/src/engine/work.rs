//! What of a call's own work may take long: schemas that check and programs that run.

use super::failure::Failure;
use crate::{
    json::text::Text,
    tool::{Effort, Ended, Program, Schema, Verdict},
};

/// Where it is done.
pub(crate) trait Work {
    /// What a jq program makes of a JSON text, or what is wrong with it. The result may have `limit` bytes.
    fn run(&self, program: &Program, json: &str, limit: usize) -> Result<Result<String, String>, Stop>;

    /// What a schema says of a JSON text. `for_logs`: with the places that break it.
    fn check(&self, schema: &Schema, text: Text<'_>, for_logs: bool) -> Result<Verdict, Stop>;
}

/// Why it was not done.
#[derive(Debug)]
pub(crate) enum Stop {
    /// It takes longer than it may here.
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
        match is_allowed {
            true => Ok(schema.judge(text, for_logs)),
            false => Err(Stop::Long),
        }
    }
}
