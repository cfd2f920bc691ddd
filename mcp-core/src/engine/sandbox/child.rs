//! The inside of a process: limits, then one job after the other.

use super::{Done, frame, job::Order};
use crate::{
    engine::seen,
    tool::{Effort, Ended, Program, Schema, Verdict},
};
use mcp_common::bounds::Bounds;
use rustix::process::{Resource, Rlimit, nice, setrlimit};
use std::{
    collections::HashMap,
    io,
    net::Shutdown,
    os::{fd::AsFd, unix::net::UnixStream},
    sync::mpsc,
    thread,
};

/// The stack on which the work is done.
const STACK: usize = 64 << 20;
/// What the program takes before it works: its code, the stacks, and what the allocator keeps in stock. Addresses, not
/// memory.
const OWN_ADDRESSES: u64 = 256 << 20;
/// Workers of the gateway go first.
const NICE: i32 = 5;
/// How much text of schemas and programs is kept compiled.
const MAX_KEPT: usize = 4 << 20;
/// What it says when it is ready, so that a program which is no sandbox is found out.
pub(super) const READY: &[u8] = b"dynmcp sandbox 1";

/// What a process allows itself.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of memory for its work.
    pub memory: u64,
}

/// Does what comes in through standard input until that is closed. For a process of its own: it sets limits on the
/// process, and ends it where a job cannot be done.
pub fn serve(limits: Limits) -> io::Result<()> {
    limit(Resource::As, limits.memory.saturating_add(OWN_ADDRESSES))?;
    limit(Resource::Core, 0)?;
    // Where there is no memory left, this is what may be done without.
    #[cfg(target_os = "linux")]
    let _ = std::fs::write("/proc/self/oom_score_adj", "1000");
    let _ = nice(NICE);
    let mut socket = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
    let mut answers = socket.try_clone()?;
    frame::write(&mut answers, &[READY])?;
    let (jobs, mine) = mpsc::channel::<Vec<Vec<u8>>>();
    thread::Builder::new()
        .name("work".into())
        .stack_size(STACK)
        .spawn(move || work(&mine, answers))?;
    // Read while work is done, so that the end of the gateway ends the work.
    while let Some(parts) = frame::read(&mut socket)? {
        if jobs.send(parts).is_err() {
            break;
        }
    }
    Ok(())
}

/// Does the jobs; after one that it was not made for, the process has ended.
fn work(jobs: &mpsc::Receiver<Vec<Vec<u8>>>, answers: UnixStream) {
    let mut answers = Closing(answers);
    let mut known = Known::default();
    while let Ok(parts) = jobs.recv() {
        let Some(order) = Order::of_parts(&parts) else {
            return;
        };
        let done = known.work(order);
        if done
            .to_parts(|parts| frame::write(&mut answers.0, parts))
            .is_err()
        {
            return;
        }
    }
}

/// Closes the socket for all who hold it, also where the work panics: whoever reads from it comes to the end.
struct Closing(UnixStream);

impl Drop for Closing {
    fn drop(&mut self) {
        let _ = self.0.shutdown(Shutdown::Both);
    }
}

fn limit(resource: Resource, most: u64) -> io::Result<()> {
    let limit = Rlimit {
        current: Some(most),
        maximum: Some(most),
    };
    Ok(setrlimit(resource, limit)?)
}

/// What is compiled already, by its text.
#[derive(Default)]
struct Known {
    programs: HashMap<String, Result<Program, String>>,
    schemas: HashMap<String, Result<Schema, String>>,
    kept: usize,
}

impl Known {
    fn work(&mut self, order: Order<'_>) -> Done {
        if let Order::Run { program: text, .. } | Order::Check { schema: text, .. } = &order
            && self.kept + text.len() > MAX_KEPT
        {
            *self = Self::default();
        }
        match order {
            Order::Run {
                program,
                limit,
                input,
            } => {
                if !self.programs.contains_key(program) {
                    self.kept += program.len();
                    self.programs
                        .insert(program.to_owned(), Program::compile(program, &Bounds::widest()));
                }
                Done::Ran(match &self.programs[program] {
                    Ok(program) => match program.run(input, limit, Effort::Full) {
                        Ok(data) => Ok(data),
                        Err(Ended::Failed(reason)) => Err(reason),
                        Err(Ended::Long) => Err("takes too long".to_owned()),
                    },
                    Err(reason) => Err(reason.clone()),
                })
            }
            Order::Check {
                schema,
                for_logs,
                value,
            } => {
                if !self.schemas.contains_key(schema) {
                    self.kept += schema.len();
                    self.schemas.insert(schema.to_owned(), Schema::of_text(schema));
                }
                Done::Checked(match &self.schemas[schema] {
                    Ok(schema) => schema.judge(value.into(), for_logs),
                    Err(reason) => Verdict::Unreadable(reason.clone()),
                })
            }
            Order::Fill { filling, names } => Done::Filled(
                seen::read(&names)
                    .map_err(Into::into)
                    .and_then(|names| filling.fill(names)),
            ),
        }
    }
}
