//! One thread at its work, with a process at its side where that is needed.

use super::{LaneMetrics, LaneSettings, Owner, metrics::Counted};
use crate::{
    engine::{
        failure::Failure,
        result::Outcome,
        sandbox::{Done, Ended, Job, Process},
        seen::{self, Seen},
        work::{Filled, Stop, Work, is_heavy},
    },
    json::text::Text,
    tool::{Effort, Ended as Unfinished, Filling, Program, Schema, Verdict},
};
use std::{
    cell::RefCell,
    sync::atomic::{AtomicBool, Ordering},
    time::Instant,
};

/// What a thread keeps from one piece of work to the next.
pub(super) struct Thread<'a> {
    settings: &'a LaneSettings,
    metrics: &'a LaneMetrics,
    owner: Option<Owner>,
    process: RefCell<Option<(Process, Counted)>>,
}

/// A thread during one piece of work.
pub(crate) struct Station<'a> {
    thread: &'a Thread<'a>,
    deadline: Instant,
    is_abandoned: &'a AtomicBool,
}

impl<'a> Thread<'a> {
    pub(super) fn new(settings: &'a LaneSettings, metrics: &'a LaneMetrics) -> Self {
        Self {
            settings,
            metrics,
            owner: None,
            process: RefCell::new(None),
        }
    }

    pub(super) fn begin(&mut self, owner: Owner) {
        self.metrics.ran("thread");
        self.owner = Some(owner);
    }

    pub(super) fn station<'s>(&'s self, deadline: Instant, is_abandoned: &'s AtomicBool) -> Station<'s> {
        Station {
            thread: self,
            deadline,
            is_abandoned,
        }
    }

    /// What it had in mind is not known.
    pub(super) fn forget_process(&mut self) {
        *self.process.borrow_mut() = None;
    }

    fn tool(&self) -> &str {
        self.owner.as_ref().map_or("", |owner| &owner.name)
    }
}

impl Station<'_> {
    /// The result of a job in a process; `None` where there are no processes.
    fn elsewhere(&self, job: Job<'_>) -> Option<Result<Done, Failure>> {
        let thread = self.thread;
        let program = thread.settings.sandbox.as_ref()?;
        let mut place = thread.process.borrow_mut();
        if place.is_none() {
            match Process::start(program) {
                Ok(process) => *place = Some((process, thread.metrics.process())),
                Err(error) => {
                    tracing::error!(%error, program = %program.path.display(), "cannot start a process for work");
                    let text =
                        "This call needs a process of its own, and none can be started now. Try again later.";
                    return Some(Err(Failure::new(Outcome::Overloaded, text)));
                }
            }
        }
        let (process, _) = place.as_mut()?;
        thread.metrics.ran("process");
        let allowed = Instant::now() + thread.settings.time;
        let until = allowed.min(self.deadline);
        let name = job.name();
        let is_wanted = || !self.is_abandoned.load(Ordering::Relaxed);
        let ended = match process.work(job, until, &is_wanted) {
            Ok(done) => return Some(Ok(done)),
            Err(ended) => ended,
        };
        *place = None;
        // Somebody gave up at the deadline a moment before it was noticed here.
        let ended = match ended {
            Ended::Unwanted if Instant::now() >= until => Ended::Late,
            other => other,
        };
        thread.metrics.killed(ended.as_str());
        let reason = self.reason(&ended, until < self.deadline);
        tracing::warn!(
            tool = thread.tool(),
            work = name,
            reason = match &ended {
                Ended::Crashed(words) => words.as_str(),
                _ => &reason,
            },
            "a process was ended over a call of this tool"
        );
        Some(Err(Failure::new(outcome(&ended), reason)))
    }

    /// What the caller is told, to follow on what was being done.
    fn reason(&self, ended: &Ended, is_own_bound: bool) -> String {
        let settings = self.thread.settings;
        match ended {
            Ended::Late if is_own_bound => format!("takes longer than {:?} (work.time_ms)", settings.time),
            Ended::Late | Ended::Unwanted => "takes longer than the call may (timeout_ms)".to_owned(),
            Ended::Memory => {
                let most = settings
                    .sandbox
                    .as_ref()
                    .map_or(0, |program| program.memory >> 20);
                format!("needs more than {most} MiB of memory (work.memory)")
            }
            Ended::Stack => "is nested too deeply".to_owned(),
            Ended::Crashed(_) => "ended in a way that it should not".to_owned(),
        }
    }
}

fn outcome(ended: &Ended) -> Outcome {
    match ended {
        Ended::Late | Ended::Unwanted => Outcome::Timeout,
        Ended::Memory | Ended::Stack => Outcome::TooLarge,
        Ended::Crashed(_) => Outcome::BadAnswer,
    }
}

impl Work for Station<'_> {
    fn run(&self, program: &Program, json: &str, limit: usize) -> Result<Result<String, String>, Stop> {
        let job = Job::Run {
            program: program.text(),
            limit,
            input: json,
        };
        match self.elsewhere(job) {
            Some(Ok(Done::Ran(result))) => Ok(result),
            // In the words of a program that takes too much.
            Some(Err(failure)) if failure.outcome != Outcome::Overloaded => {
                let text = format!("`response.jq` cannot shape the answer: it {}.", failure.reason());
                Err(Failure::new(failure.outcome, text).into())
            }
            Some(Err(failure)) => Err(failure.into()),
            Some(Ok(_)) | None => match program.run(json, limit, Effort::Full) {
                Ok(data) => Ok(Ok(data)),
                Err(Unfinished::Failed(reason)) => Ok(Err(reason)),
                Err(Unfinished::Long) => Err(Stop::Long),
            },
        }
    }

    fn check(&self, schema: &Schema, text: Text<'_>, for_logs: bool) -> Result<Verdict, Stop> {
        if schema.is_bounded(text.get()) && !is_heavy(&[text.get()]) {
            return Ok(schema.judge(text, for_logs));
        }
        let job = Job::Check {
            schema: schema.text(),
            for_logs,
            value: text.get(),
        };
        match self.elsewhere(job) {
            Some(Ok(Done::Checked(verdict))) => Ok(verdict),
            Some(Err(failure)) if failure.outcome != Outcome::Overloaded => {
                let (what, schema) = match for_logs {
                    true => ("The answer", "output_schema"),
                    false => ("Nothing was sent. The arguments", "input_schema"),
                };
                let text = format!(
                    "{what} cannot be checked against {schema}: that {}.",
                    failure.reason()
                );
                Err(Failure::new(failure.outcome, text).into())
            }
            Some(Err(failure)) => Err(failure.into()),
            Some(Ok(_)) | None => Ok(schema.judge(text, for_logs)),
        }
    }

    fn fill(&self, filling: &Filling, seen: &Seen<'_>) -> Result<Filled, Stop> {
        let names = seen.texts();
        match self.elsewhere(Job::Fill {
            filling,
            names: &names,
        }) {
            Some(Ok(Done::Filled(filled))) => Ok(filled),
            Some(Err(failure)) if failure.outcome != Outcome::Overloaded => {
                let (unsent, values) = match filling.purpose.is_of_request() {
                    true => ("Nothing was sent. ", "these arguments"),
                    false => ("", "this answer"),
                };
                let text = format!(
                    "{unsent}`{}` cannot be filled with {values}: that {}.",
                    filling.field(),
                    failure.reason()
                );
                Err(Failure::new(failure.outcome, text).into())
            }
            Some(Err(failure)) => Err(failure.into()),
            Some(Ok(_)) | None => Ok(seen::read(&names)
                .map_err(Into::into)
                .and_then(|names| filling.fill(names))),
        }
    }
}
