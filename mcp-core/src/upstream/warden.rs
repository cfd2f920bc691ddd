//! A process of its own that ends programs when the gateway is not there any more to do it: a gateway that is killed closes no
//! input and ends no group. It is told of each group when that begins and ends; its own input ends with the gateway.

use rustix::process::{Pid, Signal, kill_process_group, test_kill_process_group};
use std::{
    collections::BTreeSet,
    io::{self, BufRead, Write},
    os::unix::process::CommandExt,
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::{Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

/// How long programs may take to end after their input was closed, and again after they were asked to.
const PATIENCE: Duration = Duration::from_secs(2);
/// How often it is looked whether they have ended.
const LOOK: Duration = Duration::from_millis(50);

/// The gateway's side: starts the process with the first program.
#[derive(Debug)]
pub(super) struct Warden {
    /// What runs [`keep_watch`], and its arguments.
    command: Vec<PathBuf>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    groups: BTreeSet<i32>,
    process: Option<Child>,
    /// Said once.
    has_failed: bool,
}

impl Warden {
    pub(super) fn new(command: Vec<PathBuf>) -> Self {
        Self {
            command,
            state: Mutex::default(),
        }
    }

    /// A group has begun.
    pub(super) fn watch(&self, group: u32) {
        let Ok(group) = i32::try_from(group) else { return };
        let mut state = self.lock();
        state.groups.insert(group);
        self.tell(&mut state, &format!("+{group}\n"));
    }

    /// Nothing is left of a group; its number may become that of others.
    pub(super) fn forget(&self, group: u32) {
        let Ok(group) = i32::try_from(group) else { return };
        let mut state = self.lock();
        state.groups.remove(&group);
        self.tell(&mut state, &format!("-{group}\n"));
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One that somebody ended is started anew, and told of all groups.
    fn tell(&self, state: &mut State, line: &str) {
        if self.command.is_empty() {
            return;
        }
        let told = state.process.as_mut().and_then(|process| process.stdin.as_mut());
        if told.is_some_and(|input| input.write_all(line.as_bytes()).is_ok()) {
            return;
        }
        if let Err(error) = self.start(state)
            && !std::mem::replace(&mut state.has_failed, true)
        {
            tracing::warn!(%error, "there is no process that ends programs if the gateway is killed");
        }
    }

    fn start(&self, state: &mut State) -> io::Result<()> {
        if let Some(mut before) = state.process.take() {
            let _ = before.kill();
            let _ = before.wait();
        }
        let (program, arguments) = self.command.split_first().ok_or(io::ErrorKind::NotFound)?;
        let mut process = Command::new(program)
            .args(arguments)
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // What ends the gateway's group is not to end this.
            .process_group(0)
            .spawn()?;
        let mut input = process.stdin.take().ok_or(io::ErrorKind::BrokenPipe)?;
        for group in &state.groups {
            writeln!(input, "+{group}")?;
        }
        process.stdin = Some(input);
        state.process = Some(process);
        Ok(())
    }
}

impl Drop for Warden {
    fn drop(&mut self) {
        let mut state = self.lock();
        let is_idle = state.groups.is_empty();
        if let Some(mut process) = state.process.take() {
            drop(process.stdin.take());
            // With nothing to watch it ends at once.
            if is_idle {
                let _ = process.wait();
            }
        }
    }
}

/// The process's side: notes groups until the input ends, and then ends those that are left. Their inputs have ended, too.
pub fn keep_watch(input: impl BufRead) {
    let mut groups = BTreeSet::<i32>::new();
    for line in input.lines() {
        let Ok(line) = line else { break };
        let mut chars = line.chars();
        let sign = chars.next();
        // 0 and 1 would be groups of others.
        let group = chars.as_str().parse().ok().filter(|group: &i32| *group > 1);
        match (sign, group.and_then(Pid::from_raw)) {
            (Some('+'), Some(group)) => groups.insert(group.as_raw_nonzero().get()),
            (Some('-'), Some(group)) => groups.remove(&group.as_raw_nonzero().get()),
            _ => continue,
        };
    }
    let groups: Vec<Pid> = groups.into_iter().filter_map(Pid::from_raw).collect();
    for signal in [None, Some(Signal::TERM)] {
        for group in &groups {
            // A group that is gone takes none.
            let _ = signal.map(|signal| kill_process_group(*group, signal));
        }
        let begun = Instant::now();
        while groups.iter().any(|group| test_kill_process_group(*group).is_ok()) {
            if begun.elapsed() > PATIENCE {
                break;
            }
            thread::sleep(LOOK);
        }
    }
    for group in &groups {
        let _ = kill_process_group(*group, Signal::KILL);
    }
}
