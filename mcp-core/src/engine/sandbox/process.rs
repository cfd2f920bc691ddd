//! The gateway's side of one process.

use super::{Done, Job, Program, child::READY, frame};
use std::{
    io::{self, ErrorKind, Read},
    os::{fd::OwnedFd, unix::net::UnixStream, unix::process::CommandExt},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

/// How often it is looked whether somebody still waits for what a process does.
const LOOK: Duration = Duration::from_millis(20);
/// How long a process may take to be ready; a busy machine starts one within a second.
const START: Duration = Duration::from_secs(10);
/// How much of what a process says before it dies is read.
const MAX_WORDS: u64 = 4 << 10;

/// Why a job was not done. The process has died.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// The job's time was over.
    Late,
    /// Nobody waits for it any more.
    Unwanted,
    /// It wanted more memory than it may have.
    Memory,
    /// It recursed too deeply.
    Stack,
    /// Something else; what the process said last.
    Crashed(String),
}

impl Ended {
    /// The label of a metric.
    pub(crate) fn as_str(&self) -> &'static str {
        match self {
            Self::Late => "time",
            Self::Unwanted => "unwanted",
            Self::Memory => "memory",
            Self::Stack => "stack",
            Self::Crashed(_) => "crash",
        }
    }
}

/// A process that is waiting for a job or has one. Dropped, it is ended.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    socket: UnixStream,
}

impl Process {
    /// Starts one and waits until it is ready.
    pub(crate) fn start(program: &Program) -> io::Result<Self> {
        let (socket, theirs) = UnixStream::pair()?;
        let child = Command::new(&program.path)
            .args(&program.arguments)
            // Secrets may stand there, and nothing that it needs does.
            .env_clear()
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            // What is typed at the gateway's terminal is for the gateway.
            .process_group(0)
            .spawn()?;
        let mut process = Self { child, socket };
        let ready = process.receive(Instant::now() + START, &|| true);
        match ready {
            Ok(parts) if parts == [READY] => Ok(process),
            Ok(_) => Err(io::Error::other("it is no sandbox")),
            Err(ended) => Err(io::Error::other(format!("it did not become ready: {ended:?}"))),
        }
    }

    /// Does the job until then, or as long as it is wanted. After an error the process is of no more use.
    pub(crate) fn work(
        &mut self,
        job: Job<'_>,
        until: Instant,
        is_wanted: &dyn Fn() -> bool,
    ) -> Result<Done, Ended> {
        let mut socket = Patient {
            socket: &self.socket,
            until,
            is_wanted,
        };
        if let Err(error) = job.to_parts(|parts| frame::write(&mut socket, parts)) {
            return Err(self.ended(&error, until, is_wanted));
        }
        let parts = self.receive(until, is_wanted)?;
        Done::of_parts(parts).ok_or_else(|| Ended::Crashed("an answer that is none".to_owned()))
    }

    fn receive(&mut self, until: Instant, is_wanted: &dyn Fn() -> bool) -> Result<Vec<Vec<u8>>, Ended> {
        let mut socket = Patient {
            socket: &self.socket,
            until,
            is_wanted,
        };
        match frame::read(&mut socket) {
            Ok(Some(parts)) => Ok(parts),
            Ok(None) => Err(self.ended(&ErrorKind::UnexpectedEof.into(), until, is_wanted)),
            Err(error) => Err(self.ended(&error, until, is_wanted)),
        }
    }

    /// What an error on the socket means; ends the process, if it has not ended itself.
    fn ended(&mut self, error: &io::Error, until: Instant, is_wanted: &dyn Fn() -> bool) -> Ended {
        let is_alive = error.kind() == ErrorKind::TimedOut;
        let _ = self.child.kill();
        if is_alive {
            return match is_wanted() {
                true if Instant::now() >= until => Ended::Late,
                _ => Ended::Unwanted,
            };
        }
        let mut words = Vec::new();
        if let Some(stderr) = self.child.stderr.take() {
            let _ = stderr.take(MAX_WORDS).read_to_end(&mut words);
        }
        let words = String::from_utf8_lossy(&words);
        // What Rust says before it ends the process.
        if words.contains("memory allocation of") {
            Ended::Memory
        } else if words.contains("overflowed its stack") {
            Ended::Stack
        } else {
            let status = self
                .child
                .wait()
                .map_or_else(|error| error.to_string(), |it| it.to_string());
            Ended::Crashed(format!("{status}: {}", words.trim()))
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Reads and writes until its time is over, which is an error of the kind `TimedOut`.
struct Patient<'a> {
    socket: &'a UnixStream,
    until: Instant,
    is_wanted: &'a dyn Fn() -> bool,
}

impl Patient<'_> {
    fn try_on<T>(&mut self, attempt: impl Fn(&mut &UnixStream) -> io::Result<T>) -> io::Result<T> {
        loop {
            let left = self.until.saturating_duration_since(Instant::now());
            if left.is_zero() || !(self.is_wanted)() {
                return Err(ErrorKind::TimedOut.into());
            }
            let wait = Some(left.clamp(Duration::from_millis(1), LOOK));
            self.socket.set_read_timeout(wait)?;
            self.socket.set_write_timeout(wait)?;
            match attempt(&mut self.socket) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                other => return other,
            }
        }
    }
}

impl Read for Patient<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let into = std::cell::RefCell::new(into);
        self.try_on(|socket| socket.read(&mut into.borrow_mut()))
    }
}

impl io::Write for Patient<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.try_on(|socket| socket.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
