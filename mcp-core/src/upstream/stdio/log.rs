//! What a program wrote beside its messages, the last of it.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
    time::SystemTime,
};

/// Lines that are kept.
const MOST_LINES: usize = 500;
/// How much of a line is kept.
pub(super) const MOST_BYTES: usize = 4 << 10;

/// One line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// The time when it was read.
    pub at: SystemTime,
    /// `stderr`, `stdout` for what is no message, `gateway` for what the gateway says about the program.
    pub from: &'static str,
    /// The text of a line, without what ends it.
    pub text: String,
}

/// The last lines of one upstream, over all of its starts.
#[derive(Debug, Default)]
pub(in crate::upstream) struct Log {
    lines: Mutex<VecDeque<LogLine>>,
}

impl Log {
    fn lock(&self) -> MutexGuard<'_, VecDeque<LogLine>> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a line; one goes for it, if there are many.
    pub(super) fn add(&self, from: &'static str, text: &str) {
        let text = text.trim_end();
        let text = text[..text.floor_char_boundary(MOST_BYTES)].to_owned();
        let mut lines = self.lock();
        if lines.len() >= MOST_LINES {
            lines.pop_front();
        }
        lines.push_back(LogLine {
            at: SystemTime::now(),
            from,
            text,
        });
    }

    /// All that are kept, the oldest first.
    pub(in crate::upstream) fn lines(&self) -> Vec<LogLine> {
        self.lock().iter().cloned().collect()
    }

    /// The last line from there that says something.
    pub(super) fn last(&self, from: &str) -> Option<String> {
        let lines = self.lock();
        let last = lines
            .iter()
            .rev()
            .find(|line| line.from == from && !line.text.trim().is_empty());
        last.map(|line| crate::upstream::error::excerpt(&line.text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_lines_are_kept_and_none_is_long() {
        let log = Log::default();
        for number in 0..MOST_LINES + 3 {
            log.add("stderr", &format!("{number}\n"));
        }
        log.add("stdout", &"é".repeat(MOST_BYTES));
        log.add("stderr", " ");
        let lines = log.lines();
        assert_eq!((lines.len(), &*lines[0].text), (MOST_LINES, "5"));
        assert!(lines[MOST_LINES - 2].text.len() <= MOST_BYTES);
        assert_eq!(log.last("stderr").unwrap(), (MOST_LINES + 2).to_string());
    }
}
