//! Lines in memory until the log thread takes them: logging is a copy under a short lock, and one wake-up per
//! [`GATHER`] instead of one per line.

use mcp_common::tasks::panic_text;
use std::{
    io::{self, Write},
    mem,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};
use tracing_subscriber::fmt::MakeWriter;

/// How long lines gather before they are written together.
const GATHER: Duration = Duration::from_millis(50);

/// The bytes that are not kept waiting.
const MANY_BYTES: usize = 1 << 20;

/// Lines beyond this are lost and counted: a stdout that nobody reads must not eat the memory.
const MOST_BYTES: usize = 16 << 20;

/// Buffers that grew beyond this in a burst are given back.
const KEPT_BYTES: usize = 256 << 10;

/// How long the last lines may take.
const LAST_WORDS: Duration = Duration::from_secs(1);

#[derive(Default)]
struct Waiting {
    bytes: Vec<u8>,
    lost: u64,
    end: bool,
}

#[derive(Default)]
struct Shared {
    waiting: Mutex<Waiting>,
    arrived: Condvar,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where events are written to; clones share it.
#[derive(Clone)]
pub(super) struct Lines {
    shared: Arc<Shared>,
}

/// The log thread; dropping it writes what is waiting.
pub(super) struct LogThread {
    shared: Arc<Shared>,
    handle: Option<JoinHandle<()>>,
}

impl Lines {
    /// `write` gets the lines that have gathered, on the log thread.
    pub(super) fn start(write: impl FnMut(&[u8]) + Send + 'static) -> io::Result<(Self, LogThread)> {
        let shared = Arc::new(Shared::default());
        let theirs = shared.clone();
        let handle = thread::Builder::new()
            .name("dynmcp-log".into())
            .spawn(move || run(&theirs, write))?;
        Ok((
            Self {
                shared: shared.clone(),
            },
            LogThread {
                shared,
                handle: Some(handle),
            },
        ))
    }
}

fn run(shared: &Shared, mut write: impl FnMut(&[u8])) {
    let mut taken = Vec::new();
    loop {
        let mut waiting = shared.lock();
        while waiting.bytes.is_empty() && !waiting.end {
            waiting = shared
                .arrived
                .wait(waiting)
                .unwrap_or_else(PoisonError::into_inner);
        }
        if !waiting.end {
            (waiting, _) = shared
                .arrived
                .wait_timeout(waiting, GATHER)
                .unwrap_or_else(PoisonError::into_inner);
        }
        mem::swap(&mut waiting.bytes, &mut taken);
        let lost = mem::take(&mut waiting.lost);
        let end = waiting.end;
        drop(waiting);

        if lost > 0 {
            // Comes back here as a line of its own, in the format of all others; there is room, the buffer was taken.
            tracing::warn!(target: "dynmcp::logging", lost, "log lines were lost, the output is too slow");
        }
        // Without this thread nothing would be logged any more, and nobody would be told.
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| write(&taken))) {
            let reason = panic_text(&*panic);
            tracing::error!(target: "dynmcp::logging", reason, "the log thread failed; some lines may be lost");
        }
        taken.clear();
        taken.shrink_to(KEPT_BYTES);
        if end {
            return;
        }
    }
}

impl Drop for LogThread {
    fn drop(&mut self) {
        self.shared.lock().end = true;
        self.shared.arrived.notify_one();
        if let Some(handle) = self.handle.take() {
            // A stdout that nobody reads would keep the process from ending.
            let deadline = Instant::now() + LAST_WORDS;
            while !handle.is_finished() && Instant::now() < deadline {
                thread::sleep(Duration::from_millis(1));
            }
        }
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Line<'a>;

    fn make_writer(&'a self) -> Line<'a> {
        Line { shared: &self.shared }
    }
}

/// The subscriber writes a whole line at once.
pub(super) struct Line<'a> {
    shared: &'a Shared,
}

impl Write for Line<'_> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let mut waiting = self.shared.lock();
        if waiting.bytes.len() + line.len() > MOST_BYTES {
            waiting.lost += 1;
            return Ok(line.len());
        }
        let before = waiting.bytes.len();
        waiting.bytes.extend_from_slice(line);
        let after = waiting.bytes.len();
        drop(waiting);
        if before == 0 || (before < MANY_BYTES && after >= MANY_BYTES) {
            self.shared.arrived.notify_one();
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    #[test]
    fn a_panic_while_lines_are_written_takes_those_lines_only() {
        let (sender, written) = mpsc::channel();
        let write = move |lines: &[u8]| {
            let text = String::from_utf8(lines.to_vec()).unwrap();
            sender.send(text.clone()).unwrap();
            assert!(text != "first\n", "a full disk that panics");
        };
        let (lines, thread) = Lines::start(write).unwrap();
        for text in ["first\n", "second\n"] {
            lines.make_writer().write_all(text.as_bytes()).unwrap();
            assert_eq!(written.recv().unwrap(), text);
        }
        drop(thread);
        assert!(written.iter().all(|rest| rest.is_empty()), "nothing comes twice");
    }
}
